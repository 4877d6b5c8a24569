/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/hint.h"

static const char *const words[STP_HINT_COUNT] = {"",
#define HINT_WORDS(id, text) text,
                                                  STP_HINTS_TO_ACT(HINT_WORDS)
                                                      STP_HINTS_TO_READ(HINT_WORDS)
#undef HINT_WORDS
};

static const char *const *program_names;
static size_t program_count;

const char *stp_hint_text(enum stp_hint hint)
{
	if ((unsigned)hint >= STP_HINT_COUNT)
		return "";
	if ((size_t)hint < program_count && program_names[hint])
		return program_names[hint];
	return words[hint];
}

void stp_hint_names_set(const char *const names[], size_t count)
{
	program_names = names;
	program_count = names ? count : 0;
}
