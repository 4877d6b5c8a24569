/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Globs over target paths.
 *
 * One pass that backtracks to two places only: the last "*" and the last "**". Within a path
 *segment, the leftmost match of the text before a later "*" leaves the most bytes for the rest, so
 *an earlier
 * "*" never has to be tried again; the same holds for "**" over the whole path. So the work is
 * bounded by path length times glob length times the number of segments, never exponential.
 *
 *	"x"        matches itself            "*"    any bytes but "/"
 *	"?"        one byte but "/"          "**"   any bytes
 *	"[a-z]"    one of a set, "[!a-z]" one outside it, never "/"
 *	a leading "**" + "/" (also behind a "/") any number of whole folders, or none
 *
 * In "include", "exclude" and scan_globs two kinds of globs also match a folder with everything in
 * it: those whose last segment is a plain name (".git"), and those that end with "/".
 */
#include <string.h>

#include "base/limits.h"
#include "roles/config.h"

/* Length of the set that starts at glob[0] == '[', or 0 when it is not closed. */
static size_t set_length(const char *glob)
{
	size_t i = 1;

	if (glob[i] == '!')
		i++;
	if (glob[i] == ']')
		i++;
	while (glob[i] && glob[i] != ']')
		i++;
	return glob[i] ? i + 1 : 0;
}

/* Whether c is in the set of set_bytes bytes, brackets included. */
static int set_has(const char *set, size_t set_bytes, char c)
{
	size_t i = 1;
	int negated = 0;
	int found = 0;

	if (set[i] == '!') {
		negated = 1;
		i++;
	}
	while (i < set_bytes - 1) {
		unsigned char low = (unsigned char)set[i];
		unsigned char high = low;

		if (i + 2 < set_bytes - 1 && set[i + 1] == '-') {
			high = (unsigned char)set[i + 2];
			i += 2;
		}
		i++;
		if ((unsigned char)c >= low && (unsigned char)c <= high)
			found = 1;
	}
	return found != negated && c != '/';
}

/* Where matching continues after a mismatch: glob from here, path one step further. */
struct retry {
	const char *glob; /* NULL: no star yet */
	const char *path;
	int folders; /* steps over whole folders */
};

/* Whether one glob byte (or set) matches c, and by how many bytes the glob advances then. */
static int one_matches(const char *glob, char c, size_t *out_step)
{
	*out_step = 1;
	if (*glob == '?')
		return c != '/';
	if (*glob == '[') {
		*out_step = set_length(glob);
		return *out_step && set_has(glob, *out_step, c);
	}
	return *glob == c;
}

/* Advances the retry by one step; 0 when it cannot. */
static int retry_step(struct retry *star, const char *end)
{
	const char *slash;

	if (!star->glob || star->path == end)
		return 0;
	if (!star->folders) {
		star->path++;
		return 1;
	}
	slash = memchr(star->path, '/', (size_t)(end - star->path));
	if (!slash)
		return 0;
	star->path = slash + 1;
	return 1;
}

/* Consumes the star or stars at *glob (whole is the start of the glob) and sets the retry. */
static void consume_star(const char *whole, const char **glob, const char *path, struct retry *one,
                         struct retry *many)
{
	const char *g = *glob;
	int at_segment = g == whole || g[-1] == '/';

	if (g[1] != '*') {
		*glob = g + 1;
		*one = (struct retry){*glob, path, 0};
		return;
	}
	while (*g == '*')
		g++;
	if (at_segment && *g == '/') {
		*glob = g + 1;
		*many = (struct retry){*glob, path, 1};
	} else {
		*glob = g;
		*many = (struct retry){*glob, path, 0};
	}
	one->glob = NULL;
}

static int glob_match(const char *whole, const char *path, size_t path_bytes)
{
	const char *end = path + path_bytes;
	const char *glob = whole;
	struct retry one = {0};
	struct retry many = {0};

	for (;;) {
		size_t step;

		if (*glob == '*') {
			consume_star(whole, &glob, path, &one, &many);
			continue;
		}
		if (path == end && *glob == '\0')
			return 1;
		if (path != end && *glob && one_matches(glob, *path, &step)) {
			glob += step;
			path++;
			continue;
		}
		if (one.glob && one.path != end && *one.path != '/') {
			retry_step(&one, end);
			glob = one.glob;
			path = one.path;
			continue;
		}
		one.glob = NULL;
		if (!retry_step(&many, end))
			return 0;
		glob = many.glob;
		path = many.path;
	}
}

/* False when the first byte already excludes a match, as for most paths and "simple/". */
static int may_match(const char *glob, const char *path, size_t path_bytes)
{
	return glob[0] == '*' || glob[0] == '?' || glob[0] == '[' || !path_bytes ||
	       glob[0] == path[0];
}

int stp_globs_match(const struct stp_globs *globs, const char *path, size_t path_bytes)
{
	size_t i;

	for (i = 0; i < globs->count; i++)
		if (may_match(globs->items[i], path, path_bytes) &&
		    glob_match(globs->items[i], path, path_bytes))
			return 1;
	return 0;
}

/* ------------------------------------------------------------------ folders */

/* The last segment of a glob when it is a plain name or empty; else NULL. */
static const char *folder_name(const char *glob)
{
	const char *slash = strrchr(glob, '/');
	const char *name = slash ? slash + 1 : glob;

	return strpbrk(name, "*?[") ? NULL : name;
}

/* Whether glob names a folder that path is in. */
static int names_folder_above(const char *glob, const char *path, size_t path_bytes)
{
	const char *name = folder_name(glob);
	size_t name_bytes = name ? strlen(name) : 0;
	const char *end = path + path_bytes;
	const char *start = path;
	const char *slash;

	if (!name)
		return 0;
	for (; (slash = memchr(start, '/', (size_t)(end - start))) != NULL; start = slash + 1) {
		/* The length and the bytes alone decide for most components. */
		if (name_bytes &&
		    ((size_t)(slash - start) != name_bytes || memcmp(start, name, name_bytes) != 0))
			continue;
		if (glob_match(glob, path, (size_t)(slash - path) + (name_bytes == 0)))
			return 1;
	}
	return 0;
}

int stp_globs_name(const struct stp_globs *globs, const char *path, size_t path_bytes)
{
	size_t i;

	for (i = 0; i < globs->count; i++)
		if (names_folder_above(globs->items[i], path, path_bytes))
			return 1;
	return stp_globs_match(globs, path, path_bytes);
}

int stp_config_keeps(const struct stp_config *config, const char *path, size_t path_bytes)
{
	if (config->include.count && !stp_globs_name(&config->include, path, path_bytes))
		return 0;
	return !stp_globs_name(&config->exclude, path, path_bytes);
}

/* Whether glob matches every path in the folder; inside is the folder's path followed by "/x". A
 * "**" at the end matches the rest of any path, and so does "*" after "**" + "/": everything before
 * them has matched within the folder's own path. */
static int covers(const char *glob, const char *inside, size_t inside_bytes)
{
	size_t count = strlen(glob);

	if (names_folder_above(glob, inside, inside_bytes))
		return 1;
	if (count >= 2 && memcmp(glob + count - 2, "**", 2) == 0)
		return glob_match(glob, inside, inside_bytes - 1);
	if (count >= 4 && memcmp(glob + count - 4, "**/*", 4) == 0 &&
	    (count == 4 || glob[count - 5] == '/'))
		return glob_match(glob, inside, inside_bytes);
	return 0;
}

/* Whether glob can match a path in the folder, judged by its literal start. */
static int reaches(const char *glob, const char *inside, size_t folder_bytes)
{
	size_t literal = strcspn(glob, "*?[");
	size_t shared = literal < folder_bytes ? literal : folder_bytes;

	if (strncmp(glob, inside, shared) != 0)
		return 0;
	/* Without a wildcard it names a file, or a folder with everything in it. */
	return glob[literal] != '\0' || folder_bytes <= literal || glob[literal - 1] == '/' ||
	       inside[literal] == '/';
}

int stp_globs_reach(const struct stp_globs *globs, const char *folder, size_t folder_bytes)
{
	char inside[STP_PATH_BYTES_MAX + 3];
	size_t i;

	if (folder_bytes > STP_PATH_BYTES_MAX)
		return 1;
	memcpy(inside, folder, folder_bytes);
	memcpy(inside + folder_bytes, "/", 2);
	for (i = 0; i < globs->count; i++)
		if (reaches(globs->items[i], inside, folder_bytes + 1))
			return 1;
	return 0;
}

int stp_config_enters(const struct stp_config *config, const char *folder, size_t folder_bytes)
{
	char inside[STP_PATH_BYTES_MAX + 3];
	size_t i;

	if (folder_bytes > STP_PATH_BYTES_MAX)
		return 1;
	if (config->include.count && !stp_globs_reach(&config->include, folder, folder_bytes))
		return 0;
	memcpy(inside, folder, folder_bytes);
	memcpy(inside + folder_bytes, "/x", 3);
	for (i = 0; i < config->exclude.count; i++)
		if (covers(config->exclude.items[i], inside, folder_bytes + 2))
			return 0;
	return 1;
}

int stp_glob_is_relative(const char *glob)
{
	for (;;) {
		size_t count = strcspn(glob, "/");

		if (count == 0 || (count == 1 && glob[0] == '.') ||
		    (count == 2 && glob[0] == '.' && glob[1] == '.'))
			return 0;
		glob += count;
		if (glob[0] == '\0' || glob[1] == '\0')
			return 1;
		glob++;
	}
}

int stp_glob_valid(const char *glob)
{
	size_t i = 0;

	if (!stp_glob_is_relative(glob) || strlen(glob) > STP_GLOB_BYTES_MAX)
		return 0;
	while (glob[i]) {
		size_t step = glob[i] == '[' ? set_length(glob + i) : 1;

		if (step == 0 || (unsigned char)glob[i] < 0x20)
			return 0;
		i += step;
	}
	return 1;
}
