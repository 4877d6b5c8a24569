/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>

struct row {
	char bench[32];
	char name[96];
	char unit[32];
	char ratio_to[64];
	double value;
	double ratio;
};

static struct row rows[BENCH_ROWS_MAX];
static size_t row_count;

void stp_bench_row(const char *bench, const char *name, const char *unit, double value,
                   const char *ratio_to, double ratio)
{
	struct row *row = &rows[row_count];

	if (row_count == BENCH_ROWS_MAX)
		abort();
	row_count++;
	snprintf(row->bench, sizeof row->bench, "%s", bench);
	snprintf(row->name, sizeof row->name, "%s", name);
	snprintf(row->unit, sizeof row->unit, "%s", unit);
	snprintf(row->ratio_to, sizeof row->ratio_to, "%s", ratio_to);
	row->value = value;
	row->ratio = ratio;
}

int stp_bench_print(int json)
{
	size_t i;

	if (json)
		printf("[\n");
	for (i = 0; i < row_count; i++) {
		const struct row *r = &rows[i];

		if (json) {
			printf("{\"bench\":\"%s\",\"case\":\"%s\",\"unit\":\"%s\",\"value\":%.4g,"
			       "\"ratio_to\":\"%s\",\"ratio\":%.4g}%s\n",
			       r->bench, r->name, r->unit, r->value, r->ratio_to, r->ratio,
			       i + 1 < row_count ? "," : "");
		} else {
			printf("%-10s %-44s %10.3f %-8s", r->bench, r->name, r->value, r->unit);
			if (r->ratio > 0)
				printf(" %7.2fx %s", r->ratio, r->ratio_to);
			printf("\n");
		}
	}
	if (json)
		printf("]\n");
	return fflush(stdout) != 0 || ferror(stdout);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

double stp_bench_median(double *values, size_t count)
{
	qsort(values, count, sizeof *values, by_value);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}
