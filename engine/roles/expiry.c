/* SPDX-License-Identifier: Apache-2.0 */
#include "roles/expiry.h"

#define DUE_S (INT64_C(30) * 86400)

int64_t stp_expiry_due_s(int64_t period_s)
{
	return period_s / 10 < DUE_S ? period_s / 10 : DUE_S;
}
