// SPDX-License-Identifier: Apache-2.0
// use FOLDER: the same in C++17: makes, signs and audits FOLDER/repo for FOLDER/index.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include <stampede/stampede.h>

namespace {

[[noreturn]] void fail(const stp_err &err)
{
	char line[600];

	std::cerr << stp_err_format(&err, line, sizeof(line)) << '\n';
	std::exit(1);
}

enum stp_errc count_file(void *ctx, const struct stp_hash_file *file, struct stp_err *)
{
	*static_cast<std::uint64_t *>(ctx) += file->length;
	return STP_OK;
}

} // namespace

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	const std::string repo = std::string(argv[1]) + "/repo", index = std::string(argv[1]) + "/index";
	stp_err err = STP_ERR_INIT;

	stp_init_options make = STP_INIT_OPTIONS_INIT;
	stp_init_report made;
	make.repo = repo.c_str();
	make.targets_dir = index.c_str();
	make.bin_count = 2;
	if (stp_init(&make, &made, &err) != STP_OK)
		fail(err);
	stp_init_report_release(&made);

	stp_sign_options sign = STP_SIGN_OPTIONS_INIT;
	stp_sign_report report;
	sign.repo = repo.c_str();
	if (stp_sign(&sign, &report, &err) != STP_OK)
		fail(err);
	const bool is_signed = report.published && report.targets == 3;
	stp_sign_report_release(&report);

	stp_verify_options verify = STP_VERIFY_OPTIONS_INIT;
	stp_verify_report verified;
	verify.path = repo.c_str();
	if (stp_verify(&verify, &verified, &err) != STP_OK)
		fail(err);
	const bool is_good = verified.error_total == 0;
	stp_verify_report_release(&verified);

	const char *const paths[] = {index.c_str()};
	std::uint64_t bytes = 0;
	stp_hash_options hash = STP_HASH_OPTIONS_INIT;
	stp_hash_report hashed;
	hash.paths = paths;
	hash.path_count = 1;
	hash.on_file = count_file;
	hash.on_file_ctx = &bytes;
	if (stp_hash_files(&hash, &hashed, &err) != STP_OK)
		fail(err);
	const bool is_counted = hashed.bytes == bytes && bytes > 0;
	stp_hash_report_release(&hashed);
	return is_signed && is_good && is_counted ? 0 : 1;
}
