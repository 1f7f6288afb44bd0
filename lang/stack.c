#include "lang/stack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

enum { STACK_BYTES = 64 << 20 };

struct stack {
	char *memory;                /* a guard page, then the stack */
	size_t page;
	bool busy;
	ucontext_t here, there;
	void (*fn)(void *arg);
	void *arg;
	const void *outer_bottom; size_t outer_size;   /* for the address sanitizer */
};

struct stack *stack_new(void)
{
	struct stack *s = xcalloc(1, sizeof(*s));
	s->page = (size_t)sysconf(_SC_PAGESIZE);
	s->memory = mmap(NULL, STACK_BYTES + s->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (s->memory == MAP_FAILED || mprotect(s->memory, s->page, PROT_NONE) != 0)
		BUG("no address space for a stack of %d bytes", STACK_BYTES);
	return s;
}

void stack_free(struct stack *s)
{
	if (!s)
		return;
	munmap(s->memory, STACK_BYTES + s->page);
	free(s);
}

static void entry(unsigned high, unsigned low)
{
	struct stack *s = (struct stack *)(((uintptr_t)high << 32) | low);
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(NULL, &s->outer_bottom, &s->outer_size);
#endif
	s->fn(s->arg);
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(NULL, s->outer_bottom, s->outer_size);
#endif
}

void stack_run(struct stack *s, void (*fn)(void *arg), void *arg)
{
	if (s->busy) {
		fn(arg);
		return;
	}
	s->busy = true;
	s->fn = fn;
	s->arg = arg;
	getcontext(&s->there);
	s->there.uc_stack.ss_sp = s->memory + s->page;
	s->there.uc_stack.ss_size = STACK_BYTES;
	s->there.uc_link = &s->here;
	makecontext(&s->there, (void (*)(void))entry, 2, (unsigned)((uintptr_t)s >> 32), (unsigned)(uintptr_t)s);
#ifdef WITH_ASAN
	void *fake = NULL;
	__sanitizer_start_switch_fiber(&fake, s->memory + s->page, STACK_BYTES);
#endif
	swapcontext(&s->here, &s->there);
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(fake, NULL, NULL);
#endif
	s->busy = false;
}
