/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stampede-offline must not have, and what libcrypto.a and engine/base refer to all the same:
 * shared objects that are loaded at run time, names of hosts, and the name service behind users'
 * names. Each says that there is none. The linker takes these before those of the C library.
 */
#include <dlfcn.h>
#include <netdb.h>
#include <pwd.h>
#include <stddef.h>

void *dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	return NULL;
}

void *dlsym(void *restrict handle, const char *restrict name)
{
	(void)handle;
	(void)name;
	return NULL;
}

int dlclose(void *handle)
{
	(void)handle;
	return -1;
}

char *dlerror(void)
{
	static char text[] = "this program loads nothing";

	return text;
}

int dladdr(const void *address, Dl_info *info)
{
	(void)address;
	(void)info;
	return 0;
}

int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict out)
{
	(void)node;
	(void)service;
	(void)hints;
	(void)out;
	return EAI_FAIL;
}

void freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

int getnameinfo(const struct sockaddr *restrict address, socklen_t address_bytes,
                char *restrict host, socklen_t host_bytes, char *restrict service,
                socklen_t service_bytes, int flags)
{
	(void)address;
	(void)address_bytes;
	(void)host;
	(void)host_bytes;
	(void)service;
	(void)service_bytes;
	(void)flags;
	return EAI_FAIL;
}

const char *gai_strerror(int code)
{
	(void)code;
	return "this program has no network";
}

struct hostent *gethostbyname(const char *name)
{
	(void)name;
	return NULL;
}

int getpwuid_r(uid_t uid, struct passwd *restrict entry, char *restrict text, size_t size,
               struct passwd **restrict out)
{
	(void)uid;
	(void)entry;
	(void)text;
	(void)size;
	*out = NULL;
	return 0;
}
