/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "base/text.h"

static const struct {
	const char *name;
	enum stp_severity severity;
} codes[] = {
#define STP_FINDING_ROW(id, text, level) [STP_FINDING_##id] = {text, STP_SEVERITY_##level},
    STP_FINDING_CODES(STP_FINDING_ROW)
#undef STP_FINDING_ROW
};

const char *stp_finding_code_name(enum stp_finding_code code)
{
	STP_ASSERT(code < STP_FINDING_CODE_COUNT);
	return codes[code].name;
}

enum stp_severity stp_finding_severity(enum stp_finding_code code)
{
	STP_ASSERT(code < STP_FINDING_CODE_COUNT);
	return codes[code].severity;
}

void stp_finding_list_init(struct stp_finding_list *list)
{
	memset(list, 0, sizeof(*list));
	pthread_mutex_init(&list->lock, NULL);
	stp_arena_init(&list->arena, 64 * 1024);
}

void stp_finding_list_release(struct stp_finding_list *list)
{
	stp_arena_release(&list->arena);
	free(list->items);
	pthread_mutex_destroy(&list->lock);
	memset(list, 0, sizeof(*list));
}

/* Makes space for one more item; 0 when memory is short or the list is full. */
static int reserve_one(struct stp_finding_list *list)
{
	if (list->count >= STP_FAULTS_KEPT_MAX)
		return 0;
	if (STP_ARRAY_RESERVE(list->items, list->capacity, list->count + 1))
		return 1;
	list->out_of_memory = 1;
	return 0;
}

void stp_finding_add(struct stp_finding_list *list, enum stp_finding_code code, const char *subject,
                     const char *format, ...)
{
	struct stp_finding *item;
	char raw[512];
	char text[sizeof(raw)];
	va_list args;

	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	stp_text_clean(raw, strlen(raw), text, sizeof(text));
	pthread_mutex_lock(&list->lock);
	list->totals[code]++;
	if (reserve_one(list)) {
		item = &list->items[list->count];
		item->code = code;
		item->subject = stp_arena_copy(&list->arena, subject, strlen(subject));
		item->text = stp_arena_copy(&list->arena, text, strlen(text));
		if (item->subject && item->text)
			list->count++;
		else
			list->out_of_memory = 1;
	}
	pthread_mutex_unlock(&list->lock);
}

void stp_finding_count(struct stp_finding_list *list, enum stp_finding_code code, uint64_t more)
{
	pthread_mutex_lock(&list->lock);
	list->totals[code] += more;
	pthread_mutex_unlock(&list->lock);
}

/* Errors first, then warnings, then findings about the set-up. */
static int rank(const struct stp_finding *finding)
{
	static const int ranks[] = {
	    [STP_SEVERITY_ERROR] = 0, [STP_SEVERITY_WARNING] = 1, [STP_SEVERITY_SETUP] = 2};

	return ranks[codes[finding->code].severity];
}

static int compare_findings(const void *a, const void *b)
{
	const struct stp_finding *x = a, *y = b;
	int order = rank(x) - rank(y);

	if (order)
		return order;
	order = strcmp(x->subject, y->subject);
	if (order == 0 && x->code != y->code)
		order = x->code < y->code ? -1 : 1;
	return order ? order : strcmp(x->text, y->text);
}

void stp_finding_list_sort(struct stp_finding_list *list)
{
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), compare_findings);
}

uint64_t stp_finding_total(const struct stp_finding_list *list, enum stp_severity severity)
{
	uint64_t total = 0;
	size_t i;

	for (i = 0; i < STP_FINDING_CODE_COUNT; i++)
		if (codes[i].severity == severity)
			total += list->totals[i];
	return total;
}

const char *stp_finding_quote(struct stp_quote *quote, const char *bytes, size_t byte_count)
{
	stp_text_escape(bytes, byte_count, quote->text, sizeof(quote->text));
	return quote->text;
}
