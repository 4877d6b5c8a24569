/* SPDX-License-Identifier: Apache-2.0 */
#include "run/sign/list_notes.h"

#include <stdio.h>

#include "base/text.h"
#include "run/sign/collect.h"

/* Appends name to text, after a comma if it is not the first. */
static void add_name(char *text, size_t size, const char *name)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", used ? ", " : "", name);
}

/* The names of what is missing: length, and the algorithms of set. */
static const char *name_missing(int has_length, unsigned set, char *out, size_t size)
{
	unsigned alg;

	out[0] = '\0';
	if (!has_length)
		add_name(out, size, "length");
	for (alg = 0; alg < STP_ALG_COUNT; alg++)
		if (set & STP_ALG_BIT(alg))
			add_name(out, size, stp_alg_name((enum stp_alg)alg));
	return out;
}

const char *stp_list_row_lacks(const struct stp_sign_run *run, const struct stp_record *row,
                               char out[64])
{
	unsigned config_set = run->config.hash_set;
	unsigned has = stp_record_set(row, config_set);

	return name_missing((row->flags & STP_RECORD_SIZED) != 0, config_set & ~has, out, 64);
}

/* The columns that are used. */
static const char *name_used(const struct stp_list_stats *stats, char *out, size_t size)
{
	unsigned field;

	out[0] = '\0';
	for (field = 0; field < STP_LIST_FIELD_COUNT; field++)
		if (stats->field_set & 1u << field)
			add_name(out, size, stp_list_field_name((enum stp_list_field)field));
	return out;
}

static enum stp_errc refuse_bare(struct stp_sign_run *run, const struct stp_list_stats *stats,
                                 const char *missing, struct stp_err *err)
{
	stp_fault_list_release(&run->faults);
	stp_fault_list_init(&run->faults);
	return STP_FAIL(
	    stp_hinted(err, STP_HINT_HASHES), STP_CONFIG, STP_LIST_STAGE, run->list_source.name,
	    "has no %s in any of its %llu rows, which this repository needs, and none of "
	    "their files is in the targets folder to be read; add the column, correct "
	    "\"targets_dir\" in stampede.json, or make a repository with another %s",
	    missing, (unsigned long long)stats->record_count, stp_hint_text(STP_HINT_HASHES));
}

enum stp_errc stp_list_refuse(struct stp_sign_run *run, const struct stp_list_stats *stats,
                              uint64_t absent_count, struct stp_err *err)
{
	unsigned missing = run->config.hash_set & ~stats->digest_set;
	char names[64];

	if (!stats->row_count && !stats->has_end)
		return STP_FAIL(
		    err, STP_FORMAT, STP_LIST_STAGE, run->list_source.name,
		    "has a header but no rows; check the query that made it, or, if the "
		    "index should be empty, append the line #end,0");
	if (!stats->record_count || absent_count < stats->record_count)
		return STP_OK;
	if (!name_missing(stats->has_lengths, missing, names, sizeof(names))[0])
		return STP_OK;
	return refuse_bare(run, stats, names, err);
}

static void note_names(struct stp_sign_run *run, const struct stp_list_name_set *set,
                       const char *what)
{
	const char *list_name = run->list_source.name;
	char names[400] = "";
	size_t i;

	if (!set->count)
		return;
	for (i = 0; i < set->count; i++) {
		char name[STP_LIST_NAME_MAX + 1];

		stp_text_escape(set->names[i], strlen(set->names[i]), name, sizeof(name));
		add_name(names, sizeof(names), name[0] ? name : "\"\"");
	}
	stp_fault_add(&run->notes, STP_OK, 0, STP_LIST_STAGE, list_name, strlen(list_name),
	              "%s: %s%s", what, names, set->has_more ? " and others" : "");
}

/* Why rows have to be read from the tree. */
static void explain_reading(const struct stp_sign_run *run, const struct stp_list_stats *stats,
                            struct stp_read_reason *why)
{
	unsigned missing = run->config.hash_set & ~stats->digest_set;
	char names[64];
	char used[80];
	char count[2][32];

	if (stats->digest_count == stats->record_count)
		return;
	name_missing(stats->has_lengths, missing, names, sizeof(names));
	name_used(stats, used, sizeof(used));
	if (names[0])
		snprintf(why->text, sizeof(why->text), "has no %s (columns used: %s)", names, used);
	else
		snprintf(why->text, sizeof(why->text), "has %s of %s rows without length or digest",
		         stp_count_format(stats->record_count - stats->digest_count, count[0]),
		         stp_count_format(stats->record_count, count[1]));
	snprintf(why->subject, sizeof(why->subject), "%s", run->list_source.name);
	why->hint = "; a list with length and every configured digest avoids that";
}

void stp_list_note(struct stp_sign_run *run, const struct stp_list_stats *stats,
                   struct stp_read_reason *why)
{
	const char *list_name = run->list_source.name;

	note_names(run, &stats->aliases, "columns understood");
	note_names(run, &stats->unknown, "columns not used");
	explain_reading(run, stats, why);
	if (stats->is_unended)
		stp_fault_add(
		    &run->notes, STP_OK, 0, STP_LIST_STAGE, list_name, strlen(list_name),
		    "its last line has no line end, so it may be cut off; append a line #end "
		    "to a complete list");
}

static void note_missing(struct stp_sign_run *run, struct stp_links *links)
{
	const char *folder = run->config.targets_dir;
	struct stp_missing missing = {0};
	char names[STP_MISSING_NAMES_BYTES];
	char count[32];

	if (stp_links_are_elsewhere(links))
		stp_fault_add(&run->notes, STP_OK, 0, "links", folder, strlen(folder),
		              "is empty, so nothing was made in public/targets; set "
		              "\"target_files\": \"none\" if another server has the files, or "
		              "\"mutable\" if a server with a copy of public/ serves them by the "
		              "rule in README.md");
	stp_links_missing(links, &missing);
	stp_missing_names(&missing, names);
	if (missing.count)
		stp_fault_add(
		    &run->notes, STP_OK, 0, "links", folder, strlen(folder),
		    "has no file for %s target%s of the list (%s), so public/targets cannot "
		    "serve them; add the files and sign again, or set "
		    "\"target_files\": \"none\" if they are served from elsewhere",
		    stp_count_format(missing.count, count), missing.count == 1 ? "" : "s", names);
	stp_missing_release(&missing);
}

void stp_sign_note_lists(struct stp_sign_run *run, struct stp_links *links)
{
	const char *name = run->options->digests ? run->list_source.name : "";
	char count[32];

	if (run->report->list_repeats)
		stp_fault_add(&run->notes, STP_OK, 0, STP_LIST_STAGE, name, strlen(name),
		              "%s row%s another row exactly; each is counted once",
		              stp_count_format(run->report->list_repeats, count),
		              run->report->list_repeats == 1 ? " repeats" : "s repeat");
	if (links)
		note_missing(run, links);
}
