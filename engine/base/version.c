/* SPDX-License-Identifier: Apache-2.0 */
#include "stampede/version.h"

const char *stp_version(void)
{
	return STP_VERSION_STRING;
}
