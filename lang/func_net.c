/* Functions on IP networks. Octets are decimal whatever zeros lead them; host bits of a prefix are cut off. */
#include "lang/func_util.h"

#include <arpa/inet.h>
#include <gmp.h>
#include <stdio.h>
#include <string.h>

enum { HOSTS_MAX = 1 << 20 };

struct net { unsigned char ip[16]; unsigned bytes, len; };

/* --- reading and writing ------------------------------------------------------------------------------------------------ */
/* inet_pton refuses leading zeros, so they are taken out first. */
static bool parse_ip(const char *s, size_t n, struct net *out)
{
	char text[80];
	size_t len = 0;
	if (n >= sizeof(text))
		return false;
	bool v6 = memchr(s, ':', n) != NULL;
	for (size_t i = 0; i < n; i++) {
		bool start = i == 0 || s[i - 1] == '.';
		while (!v6 && start && s[i] == '0' && i + 1 < n && s[i + 1] >= '0' && s[i + 1] <= '9')
			i++;
		text[len++] = s[i];
	}
	text[len] = '\0';
	out->bytes = v6 ? 16 : 4;
	return inet_pton(v6 ? AF_INET6 : AF_INET, text, out->ip) == 1;
}

static void cut_host_bits(struct net *n)
{
	for (unsigned i = n->len; i < n->bytes * 8; i++)
		n->ip[i / 8] &= (unsigned char)~(0x80u >> i % 8);
}

/* Addresses that only embed IPv4 are IPv4. */
static void unmap(struct net *n)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	if (n->bytes == 16 && n->len >= 96 && !memcmp(n->ip, mapped, 12)) {
		memmove(n->ip, n->ip + 12, 4);
		n->bytes = 4;
		n->len -= 96;
	}
}

static int parse_net(struct func_call *c, size_t arg, struct net *n, struct err *err)
{
	const char *s = c->args[arg]->str.s, *slash = strchr(s, '/');
	bool ok = slash && parse_ip(s, (size_t)(slash - s), n);
	size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;
	if (ok && (!digits || digits > 3 || slash[1 + digits]))
		ok = false;
	n->len = 0;
	for (size_t i = 0; ok && i < digits; i++)
		n->len = n->len * 10 + (unsigned)(slash[1 + i] - '0');
	if (!ok || n->len > n->bytes * 8)
		return func_fail(c, arg, err, "not a prefix such as \"10.0.0.0/8\" or \"fd00::/64\"");
	cut_host_bits(n);
	unmap(n);
	return 0;
}

static const struct val *address(struct func_call *c, const unsigned char *ip, unsigned bytes, int len)
{
	char text[INET6_ADDRSTRLEN + 16];
	inet_ntop(bytes == 4 ? AF_INET : AF_INET6, ip, text, INET6_ADDRSTRLEN);
	if (bytes == 16 && strchr(text, '.'))        /* inet_ntop() sees IPv4 in the last 32 bits where only those are set */
		snprintf(text, INET6_ADDRSTRLEN, "::%x:%x", ip[12] << 8 | ip[13], ip[14] << 8 | ip[15]);
	if (len >= 0)
		snprintf(text + strlen(text), 16, "/%d", len);
	return val_string_nfc(c->arena, text, strlen(text));
}

/* --- arithmetic ------------------------------------------------------------------------------------------------------------ */
/* The whole number N, negative ones counted from 2^BITS, in Z; false when it has no place in BITS bits. */
static bool host_number(const struct val *n, unsigned bits, mpz_t z)
{
	struct num_temp t;
	mpz_t room;
	num_temp_of(&t, n);
	mpz_init(room);
	mpz_setbit(room, bits);
	mpfr_get_z(z, t.n, MPFR_RNDN);
	if (mpz_sgn(z) < 0)
		mpz_add(z, z, room);
	bool fits = mpfr_get_exp(t.n) < 200 && mpz_sgn(z) >= 0 && mpz_cmp(z, room) < 0;
	mpz_clear(room);
	return fits;
}

/* IP |= Z << SHIFT. */
static void put_bits(struct net *n, mpz_t z, unsigned shift)
{
	for (size_t i = 0, bits = mpz_sizeinbase(z, 2); i < bits; i++) {
		size_t place = n->bytes * 8 - 1 - (i + shift);
		if (mpz_tstbit(z, i))
			n->ip[place / 8] |= (unsigned char)(0x80u >> place % 8);
	}
}

static int add_number(struct func_call *c, size_t arg, struct net *n, unsigned bits, unsigned shift, struct err *err)
{
	struct num_temp t;
	mpz_t z;
	if (!mpfr_integer_p(num_temp_of(&t, c->args[arg])))
		return func_fail(c, arg, err, "a whole number is required");
	if (!mpfr_zero_p(t.n) && mpfr_get_exp(t.n) > 200)
		return func_fail(c, arg, err, "the number does not fit in %u bits", bits);
	mpz_init(z);
	bool fits = host_number(c->args[arg], bits, z);
	if (fits)
		put_bits(n, z, shift);
	mpz_clear(z);
	return fits ? 0 : func_fail(c, arg, err, "the number does not fit in the %u bits that are there for it", bits);
}

int fn_cidrhost(struct func_call *c, const struct val **out, struct err *err)
{
	struct net n;
	if (parse_net(c, 0, &n, err) || add_number(c, 1, &n, n.bytes * 8 - n.len, 0, err))
		return E_INPUT;
	*out = address(c, n.ip, n.bytes, -1);
	return 0;
}

int fn_cidrnetmask(struct func_call *c, const struct val **out, struct err *err)
{
	struct net n;
	if (parse_net(c, 0, &n, err))
		return E_INPUT;
	if (n.bytes != 4)
		return func_fail(c, 0, err, "only IPv4 prefixes have a netmask");
	memset(n.ip, 0xff, 4);
	cut_host_bits(&n);
	*out = address(c, n.ip, 4, -1);
	return 0;
}

static bool negative(const struct val *n)
{
	return n->form == NUM_INT ? n->i < 0 : mpfr_sgn(n->big) < 0;
}

int fn_cidrsubnet(struct func_call *c, const struct val **out, struct err *err)
{
	struct net n;
	int64_t bits;
	if (parse_net(c, 0, &n, err) || func_int(c, 1, 0, 128, &bits, err))
		return E_INPUT;
	if (negative(c->args[2]))
		return func_fail(c, 2, err, "subnets have numbers from 0 on");
	if (n.len + (unsigned)bits > n.bytes * 8)
		return func_fail(c, 1, err, "a prefix of %u bits cannot be made %lld bits longer: an address has %u", n.len, (long long)bits, n.bytes * 8);
	if (add_number(c, 2, &n, (unsigned)bits, n.bytes * 8 - n.len - (unsigned)bits, err))
		return E_INPUT;
	n.len += (unsigned)bits;
	*out = address(c, n.ip, n.bytes, (int)n.len);
	return 0;
}

/* The address behind the network IP/LEN; false when it was the last one. */
static bool step(struct net *n, unsigned len)
{
	for (unsigned i = len; i-- > 0;) {
		unsigned char bit = (unsigned char)(0x80u >> i % 8);
		n->ip[i / 8] ^= bit;
		if (n->ip[i / 8] & bit)
			return true;
	}
	return false;
}

static bool inside(const struct net *outer, const unsigned char *ip)
{
	struct net cut = *outer;
	memcpy(cut.ip, ip, sizeof(cut.ip));
	cut_host_bits(&cut);
	return !memcmp(cut.ip, outer->ip, outer->bytes);
}

/* Subnets one behind the other, each at the next place where one of its size may start. */
int fn_cidrsubnets(struct func_call *c, const struct val **out, struct err *err)
{
	struct net all, n;
	bool more = true;
	const struct val **at = arena_array(c->arena, c->n, sizeof(*at));
	if (parse_net(c, 0, &all, err))
		return E_INPUT;
	n = all;
	for (size_t i = 1; i < c->n; i++) {
		int64_t bits;
		if (func_int(c, i, 1, 128, &bits, err))
			return E_INPUT;
		unsigned len = all.len + (unsigned)bits;
		if (len > all.bytes * 8)
			return func_fail(c, i, err, "a prefix of %u bits cannot be made %lld bits longer: an address has %u", all.len, (long long)bits, all.bytes * 8);
		struct net here = n;
		here.len = len;
		cut_host_bits(&here);
		if (memcmp(here.ip, n.ip, n.bytes) != 0) {
			more = more && step(&here, len);
			n = here;
		}
		if (!more || !inside(&all, n.ip))
			return func_fail(c, i, err, "the prefix has no room left for a subnet of %lld more bits", (long long)bits);
		at[i - 1] = address(c, n.ip, n.bytes, (int)len);
		more = step(&n, len);
	}
	*out = func_strings(c, at, c->n - 1);
	return 0;
}

int fn_cidrcontains(struct func_call *c, const struct val **out, struct err *err)
{
	struct net outer, inner;
	const char *s = c->args[1]->str.s;
	if (parse_net(c, 0, &outer, err))
		return E_INPUT;
	if (strchr(s, '/')) {
		if (parse_net(c, 1, &inner, err))
			return E_INPUT;
	} else if (!parse_ip(s, strlen(s), &inner)) {
		return func_fail(c, 1, err, "neither an address nor a prefix");
	} else {
		inner.len = inner.bytes * 8;
	}
	if (inner.bytes != outer.bytes)
		return func_fail(c, 1, err, "both must be IPv4 or both IPv6");
	*out = val_bool(inner.len >= outer.len && inside(&outer, inner.ip));
	return 0;
}

/* Every address that a host can have: without the first and the last of an IPv4 network of more than two addresses, and
 * without the first of an IPv6 network of more than two. */
int fn_cidrhosts(struct func_call *c, const struct val **out, struct err *err)
{
	struct net n;
	if (parse_net(c, 0, &n, err))
		return E_INPUT;
	unsigned bits = n.bytes * 8 - n.len;
	if (bits > 20)
		return func_fail(c, 0, err, "a network of more than %d addresses is too large to list", HOSTS_MAX);
	size_t total = (size_t)1 << bits, skip = bits >= 2 ? 1 : 0, len = total - skip - (n.bytes == 4 ? skip : 0);
	const struct val **at = arena_array(c->arena, len, sizeof(*at));
	if (skip)
		step(&n, n.bytes * 8);
	for (size_t i = 0; i < len; i++) {
		at[i] = address(c, n.ip, n.bytes, -1);
		step(&n, n.bytes * 8);
	}
	*out = func_strings(c, at, len);
	return 0;
}
