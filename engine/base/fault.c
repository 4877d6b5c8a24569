/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "base/text.h"

void stp_fault_list_init(struct stp_fault_list *list)
{
	memset(list, 0, sizeof(*list));
	pthread_mutex_init(&list->lock, NULL);
	stp_arena_init(&list->arena, 64 * 1024);
}

void stp_fault_list_release(struct stp_fault_list *list)
{
	stp_arena_release(&list->arena);
	free(list->items);
	pthread_mutex_destroy(&list->lock);
	memset(list, 0, sizeof(*list));
}

/* Makes space for one more item; false when memory is short or the list is full. */
static int has_room(struct stp_fault_list *list)
{
	if (list->count >= STP_FAULTS_KEPT_MAX)
		return 0;
	if (STP_ARRAY_RESERVE(list->items, list->capacity, list->count + 1))
		return 1;
	list->out_of_memory = 1;
	return 0;
}

void stp_fault_add(struct stp_fault_list *list, enum stp_errc code, int sys_errno,
                   const char *stage, const char *subject, size_t subject_bytes, const char *format,
                   ...)
{
	char raw[512];
	char text[sizeof(raw)];
	char meaning[128];
	va_list args;
	int used;

	va_start(args, format);
	used = vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	if (sys_errno && used >= 0 && (size_t)used < sizeof(raw))
		snprintf(raw + used, sizeof(raw) - (size_t)used, ": %s",
		         strerror_r(sys_errno, meaning, sizeof(meaning)));
	stp_text_clean(raw, strlen(raw), text, sizeof(text));
	pthread_mutex_lock(&list->lock);
	list->total++;
	if (has_room(list)) {
		struct stp_fault *fault = &list->items[list->count];

		fault->stage = stage;
		fault->code = code;
		fault->sys_errno = sys_errno;
		fault->subject = stp_arena_copy(&list->arena, subject, subject_bytes);
		fault->text = stp_arena_copy(&list->arena, text, strlen(text));
		if (fault->subject && fault->text)
			list->count++;
		else
			list->out_of_memory = 1;
	}
	pthread_mutex_unlock(&list->lock);
}

static int compare(const void *a, const void *b)
{
	const struct stp_fault *x = a;
	const struct stp_fault *y = b;
	int order = strcmp(x->subject, y->subject);

	return order ? order : strcmp(x->text, y->text);
}

void stp_fault_list_sort(struct stp_fault_list *list)
{
	size_t kept = 0;
	size_t i;

	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare);
	for (i = 0; i < list->count; i++)
		if (kept == 0 || compare(&list->items[kept - 1], &list->items[i]) != 0)
			list->items[kept++] = list->items[i];
	list->total -= list->count - kept;
	list->count = kept;
}
