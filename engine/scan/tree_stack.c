/* SPDX-License-Identifier: Apache-2.0 */
#include "scan/tree_stack.h"

#include <string.h>

void stp_tree_stack_init(struct stp_tree_stack *stack, size_t worker_count)
{
	memset(stack, 0, sizeof(*stack));
	stack->worker_count = worker_count;
	stack->works = (struct stp_buf)STP_BUF_INIT;
	pthread_mutex_init(&stack->lock, NULL);
	pthread_cond_init(&stack->more, NULL);
}

void stp_tree_stack_release(struct stp_tree_stack *stack)
{
	stp_buf_release(&stack->works);
	pthread_cond_destroy(&stack->more);
	pthread_mutex_destroy(&stack->lock);
}

enum stp_errc stp_tree_work_put(struct stp_buf *buf, const char *path,
                                const struct stp_tree_work *work, struct stp_err *err)
{
	STP_TRY(stp_buf_append(buf, path, work->path_bytes, err));
	return stp_buf_append(buf, work, sizeof(*work), err);
}

enum stp_errc stp_tree_stack_push(struct stp_tree_stack *stack, const struct stp_buf *found,
                                  size_t count, struct stp_err *err)
{
	enum stp_errc code;

	pthread_mutex_lock(&stack->lock);
	code = stp_buf_append(&stack->works, found->data, found->count, err);
	if (stack->waiting && count == 1)
		pthread_cond_signal(&stack->more);
	else if (stack->waiting)
		pthread_cond_broadcast(&stack->more);
	pthread_mutex_unlock(&stack->lock);
	return code;
}

void stp_tree_stack_stop(struct stp_tree_stack *stack)
{
	pthread_mutex_lock(&stack->lock);
	stack->stopped = 1;
	pthread_cond_broadcast(&stack->more);
	pthread_mutex_unlock(&stack->lock);
}

/* Removes the newest work item. Its path, of out->path_bytes, stays behind the end of the
 * buffer. */
static void cut(struct stp_buf *works, struct stp_tree_work *out)
{
	works->count -= sizeof(*out);
	memcpy(out, works->data + works->count, sizeof(*out));
	works->count -= out->path_bytes;
}

int stp_tree_stack_pop(struct stp_tree_stack *stack, enum stp_tree_wait wait, char *path,
                       struct stp_tree_work *out)
{
	pthread_mutex_lock(&stack->lock);
	while (wait == STP_TREE_WAIT && stack->works.count == 0 && !stack->stopped) {
		if (stack->waiting + 1 == stack->worker_count) {
			stack->stopped = 1;
			pthread_cond_broadcast(&stack->more);
			break;
		}
		stack->waiting++;
		pthread_cond_wait(&stack->more, &stack->lock);
		stack->waiting--;
	}
	if (stack->stopped || stack->works.count == 0) {
		pthread_mutex_unlock(&stack->lock);
		return 0;
	}
	cut(&stack->works, out);
	memcpy(path, stack->works.data + stack->works.count, out->path_bytes);
	pthread_mutex_unlock(&stack->lock);
	path[out->path_bytes] = '\0';
	return 1;
}

int stp_tree_stack_drain(struct stp_tree_stack *stack, struct stp_tree_work *out)
{
	if (stack->works.count == 0)
		return 0;
	cut(&stack->works, out);
	return 1;
}
