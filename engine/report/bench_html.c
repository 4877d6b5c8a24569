/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "report/out.h"
#include "stampede/bench.h"

enum stp_errc stp_bench_html(const char *json, const char *name, char **out_html,
                             struct stp_err *err)
{
	struct stp_out out = STP_OUT_INIT;
	char *text;

	STP_TRY(stp_bench_text(json, name, 100, &text, err));
	stp_out_format(&out, "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"
	                     "<title>stampede bench</title>\n<pre>");
	stp_out_html(&out, text);
	stp_out_format(&out, "</pre></html>\n");
	free(text);
	return stp_out_take(&out, out_html, err);
}
