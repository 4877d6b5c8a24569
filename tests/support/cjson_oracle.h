/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A second implementation of canonical JSON, with independent code: jansson parses, a recursive
 * printer writes the tree canonically. Bytes are canonical when the result equals them.
 *
 * Shape      header only.
 * Memory     jansson's.
 * Ownership  out buffers are the caller's stp_buf.
 * Threads    one thread.
 */
#ifndef STP_TESTS_CJSON_ORACLE_H
#define STP_TESTS_CJSON_ORACLE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

static inline void oracle_put(struct stp_buf *out, const void *bytes, size_t count)
{
	if (stp_buf_append(out, bytes, count, NULL) != STP_OK)
		abort();
}

static inline void oracle_string(struct stp_buf *out, const char *text, size_t count)
{
	oracle_put(out, "\"", 1);
	for (size_t i = 0; i < count; i++) {
		if (text[i] == '"' || text[i] == '\\')
			oracle_put(out, "\\", 1);
		oracle_put(out, text + i, 1);
	}
	oracle_put(out, "\"", 1);
}

static inline int oracle_by_bytes(const void *a, const void *b)
{
	/* strcmp compares as unsigned char; jansson's keys hold no NUL. */
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static inline void oracle_encode(struct stp_buf *out, json_t *value);

static inline void oracle_object(struct stp_buf *out, json_t *object)
{
	size_t count = json_object_size(object);
	const char **keys = calloc(count + 1, sizeof(*keys));
	const char *key;
	json_t *item;
	size_t i = 0;

	if (!keys)
		abort();
	json_object_foreach(object, key, item) keys[i++] = key;
	qsort(keys, count, sizeof(*keys), oracle_by_bytes);
	oracle_put(out, "{", 1);
	for (i = 0; i < count; i++) {
		if (i)
			oracle_put(out, ",", 1);
		oracle_string(out, keys[i], strlen(keys[i]));
		oracle_put(out, ":", 1);
		oracle_encode(out, json_object_get(object, keys[i]));
	}
	oracle_put(out, "}", 1);
	free(keys);
}

static inline void oracle_encode(struct stp_buf *out, json_t *value)
{
	char number[32];

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		oracle_object(out, value);
		break;
	case JSON_ARRAY:
		oracle_put(out, "[", 1);
		for (size_t i = 0; i < json_array_size(value); i++) {
			if (i)
				oracle_put(out, ",", 1);
			oracle_encode(out, json_array_get(value, i));
		}
		oracle_put(out, "]", 1);
		break;
	case JSON_STRING:
		oracle_string(out, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		oracle_put(out, number, strlen(number));
		break;
	case JSON_REAL:
		oracle_put(out, "?", 1); /* canonical JSON has none: never equal */
		break;
	case JSON_TRUE:
		oracle_put(out, "true", 4);
		break;
	case JSON_FALSE:
		oracle_put(out, "false", 5);
		break;
	case JSON_NULL:
		oracle_put(out, "null", 4);
		break;
	}
}

/* 1 when bytes are canonical JSON by jansson's reading. */
static inline int oracle_is_canonical(const void *bytes, size_t count)
{
	struct stp_buf again = STP_BUF_INIT;
	json_t *tree = json_loadb(bytes, count, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	int same;

	if (!tree)
		return 0;
	oracle_encode(&again, tree);
	same = again.count == count && memcmp(again.data, bytes, count) == 0;
	json_decref(tree);
	stp_buf_release(&again);
	return same;
}

#endif
