/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hints.h"

const char *const stp_cli_hints[STP_HINT_COUNT] = {
    [STP_HINT_NONE] = "",
    [STP_HINT_ALLOW_REMOVALS] = "--allow-removals",
    [STP_HINT_ABOVE] = "--above",
    [STP_HINT_AFTER_CLOCK_ERROR] = "--after-clock-error",
    [STP_HINT_ON_FAULT_SKIP] = "--on-fault skip",
    [STP_HINT_DIGESTS] = "--digests",
    [STP_HINT_UPDATE] = "stampede init REPO --update",
    [STP_HINT_UPDATE_TRUST] = "stampede init REPO --update --trust",
    [STP_HINT_OFFLINE_KEYS] = "--offline-keys",
    [STP_HINT_INIT] = "stampede init",
    [STP_HINT_SIGN] = "stampede sign",
    [STP_HINT_HASHES] = "--hash",
    [STP_HINT_BINS] = "--bins",
    [STP_HINT_IO_PREAD] = "--io pread",
    [STP_HINT_JOBS] = "--jobs",
    [STP_HINT_JOBS_SERIAL] = "--jobs 0",
    [STP_HINT_TARGETS_COUNT] = "--targets-count",
    [STP_HINT_TARGETS] = "--targets=DIR",
    [STP_HINT_WORK] = "--work",
    [STP_HINT_AS_OWNER] = "stampede sign REPO",
    [STP_HINT_CEREMONY_FINISH] = "stampede ceremony finish",
    [STP_HINT_ALLOW_UNPROVEN] = "--allow-unproven",
    [STP_HINT_ROTATE] = "stampede rotate REPO --online-key",
    [STP_HINT_REPLACE_IT] = "--allow-replace it",
    [STP_HINT_REPLACE] = "--allow-replace",
    [STP_HINT_REHASH] = "--rehash",
    [STP_HINT_SCAN] = "--scan",
    [STP_HINT_SIGN_WITH_ABOVE] = "sign --above",
    [STP_HINT_RENEW] = "stampede init --update",
    [STP_HINT_UPDATE_OF_ROLES] = "init --update",
    [STP_HINT_UPDATE_AS_OWNER] = "stampede init REPO --update",
    [STP_HINT_GC_AS_OWNER] = "stampede gc REPO",
    [STP_HINT_TRUST] = "--trust",
    [STP_HINT_NOW] = "--now",
    [STP_HINT_REPO] = "--repo",
    [STP_HINT_VERIFY] = "stampede verify",
    [STP_HINT_CHECK] = "--check",
    [STP_HINT_ALLOW_REPLACED] = "--allow-replaced",
    [STP_HINT_ROTATE_STOLEN] = "stampede rotate --stolen",
    [STP_HINT_PASSPHRASE] = "--passphrase-fd",
    [STP_HINT_CEREMONY] = "stampede ceremony start REPO --out PAYLOAD --purpose TEXT",
    [STP_HINT_DROP_TARGETS] = "--drop-targets",
};

void stp_cli_hints_use(void)
{
	stp_hint_names_set(stp_cli_hints, STP_HINT_COUNT);
}
