/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole library: #include <stampede/stampede.h>.
 *
 *	stp_init()   makes a repository             stp_verify()   audits what is published
 *	stp_sign()   signs an index, each night     stp_status()   how a repository stands
 *	stp_gc()     removes old metadata           stp_show()     what is signed for one path
 *	stp_init_update()  new offline roles        stp_plan()     what a number of bins costs
 *	stp_hash_files()   digests, nothing else    stp_bench()    what this machine can do
 */
#ifndef STAMPEDE_STAMPEDE_H
#define STAMPEDE_STAMPEDE_H

#include "stampede/alg.h"
#include "stampede/bench.h"
#include "stampede/err.h"
#include "stampede/gc.h"
#include "stampede/hash.h"
#include "stampede/hasher.h"
#include "stampede/hint.h"
#include "stampede/import.h"
#include "stampede/init.h"
#include "stampede/io.h"
#include "stampede/key.h"
#include "stampede/plan.h"
#include "stampede/progress.h"
#include "stampede/repository.h"
#include "stampede/rotate.h"
#include "stampede/show.h"
#include "stampede/sign.h"
#include "stampede/status.h"
#include "stampede/text.h"
#include "stampede/verify.h"
#include "stampede/version.h"

#endif
