/* SPDX-License-Identifier: Apache-2.0 */
#include "report/bench_document.h"

#include <string.h>

enum stp_errc stp_bench_document_load(const char *json, const char *name, json_t **out,
                                      struct stp_err *err)
{
	json_error_t where;
	json_t *document = json_loads(json, JSON_REJECT_DUPLICATES, &where);

	if (!document)
		return STP_FAIL(err, STP_FORMAT, "bench", name,
		                "line %d: is not JSON (%s); give a file that bench --json wrote",
		                where.line, where.text);
	if (strcmp(stp_doc_text(document, "schema"), "stampede-bench/1") != 0) {
		json_decref(document);
		return STP_FAIL(err, STP_FORMAT, "bench", name,
		                "is not a result of this version's bench (\"schema\" is not "
		                "\"stampede-bench/1\"); measure that machine again");
	}
	*out = document;
	return STP_OK;
}

const json_t *stp_bench_curve_end(const json_t *points)
{
	size_t count = json_array_size(points);

	return count ? json_array_get(points, count - 1) : NULL;
}

const json_t *stp_bench_curve_points(const json_t *document, const char *algorithm)
{
	const json_t *curve;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "scaling"), i,
	                   curve) if (strcmp(stp_doc_text(curve, "algorithm"), algorithm) ==
	                              0) return stp_doc_get(curve, "points");
	return NULL;
}

double stp_bench_best_reading(const json_t *document, const char *set, const char *cache,
                              const char *what)
{
	const json_t *reading;
	double best = 0;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "read"), i, reading)
	{
		double value = stp_doc_number(reading, what);

		if (strcmp(stp_doc_text(reading, "files"), set) == 0 &&
		    strcmp(stp_doc_text(reading, "cache"), cache) == 0 && value > best)
			best = value;
	}
	return best;
}

const json_t *stp_bench_hash_of(const json_t *document, const char *hash)
{
	const json_t *measure;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)stp_doc_get(document, "hash"), i,
	                   measure) if (strcmp(stp_doc_text(measure, "hash"), hash) ==
	                                0) return measure;
	return NULL;
}
