/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/nginx_rule.h"

#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* The rule of README.md, where it is tested, but for caches. */
static const char rule_marks[] =
    "  map $uri $stampede_mark {\n"
    "    '~^/targets/(?:(?<d1>[^/\"]+)/)?(?:(?<d2>[^/\"]+)/)?(?:(?<d3>[^/\"]+)/)?"
    "(?:(?<d4>[^/\"]+)/)?(?:(?<d5>[^/\"]+)/)?(?:(?<d6>[^/\"]+)/)?"
    "(?<h1>[0-9a-f]{2})(?<h2>[0-9a-f]{14})(?:[0-9a-f]{48}|[0-9a-f]{112})\\.(?<file>[^/\"]+)$'\n"
    "    '$h1/$h2.$d1\"$d2\"$d3\"$d4\"$d5\"$d6\"$file';\n"
    "  }\n"
    "  map $uri $stampede_long_mark {\n"
    "    '~^/targets/(?<dir>(?:[^/]+/)*)(?<digits>[0-9a-f]{16})"
    "(?:[0-9a-f]{48}|[0-9a-f]{112})\\.(?<name>[^/]+)$'\n"
    "    'long/$dir$digits.$name';\n"
    "  }\n"
    "  location ~ \"^/(?:metadata/\\.|targets/\\.(?:signed(?:/|$)|tmp-[0-9a-f]{16}$))\" {\n"
    "    return 404;\n"
    "  }\n"
    "  location ~ \"^/targets/(?:[^/]+/)*(?:[0-9a-f]{64}|[0-9a-f]{128})\\.[^/]+$\" {\n"
    "    try_files $uri @marked;\n"
    "  }\n"
    "  location @marked {\n";
static const char rule_files[] =
    "    if (!-f $mark) {\n"
    "      return 404;\n"
    "    }\n"
    "    rewrite \"^/targets/((?:[^/]+/)*)[0-9a-f]+\\.([^/]+)$\" /index/$1$2 last;\n"
    "    return 404;\n"
    "  }\n"
    "  location /index/ {\n"
    "    internal;\n";

void stp_cli_print_rule(const struct stp_init_report *report)
{
	if (strcmp(report->target_files, "mutable") != 0 &&
	    strcmp(report->target_files, "auto") != 0)
		return;
	printf("\n%s, the web server looks up by a mark\nwhat is signed (nginx; the whole "
	       "configuration is in README.md):\n",
	       report->target_files[0] == 'a' ? "For more than 100,000 targets" : "To serve it");
	fputs(rule_marks, stdout);
	stp_cli_print_path("    set $mark ", report->repo,
	                   "/public/targets/.signed/$stampede_mark;\n");
	fputs("    if (!-f $mark) {\n", stdout);
	stp_cli_print_path("      set $mark ", report->repo,
	                   "/public/targets/.signed/$stampede_long_mark;\n");
	fputs("    }\n", stdout);
	fputs(rule_files, stdout);
	stp_cli_print_path("    alias ", report->targets_dir, "/;\n");
	stp_cli_print_path("    disable_symlinks on from=", report->targets_dir, ";\n");
	fputs("  }\n", stdout);
}
