/* quantity - Kubernetes quantities ("100m", "1.5Gi", "12E", "1e3") as exact numbers.
 *
 * Grammar (API conventions, "Quantities"): [+-] digits [. digits] and a suffix: n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or a
 * decimal exponent e3 / E-3. Values are kept in nano-units, rounded up, and held at the 63 bits that an API server's whole
 * units have: beyond that the value saturates and says so. Text without a digit ("Gi", "+", ".") is refused; upstream's parser
 * reads it as 0, and hangs on huge exponents: neither is copied.
 */
#ifndef RUNTIME_SCHEDULER_QUANTITY_H
#define RUNTIME_SCHEDULER_QUANTITY_H

#include <jansson.h>
#include <stdint.h>

typedef __int128 nano_t;
#define NANO ((nano_t)1000000000)
#define NANO_MAX ((nano_t)INT64_MAX * NANO)

enum quantity_result { QUANTITY_OK, QUANTITY_BAD, QUANTITY_SATURATED };

/* *OUT is written unless QUANTITY_BAD. */
enum quantity_result quantity_parse(const char *text, nano_t *out);
/* The same of a JSON string, or number (people write those); anything else is bad. */
enum quantity_result quantity_json(const json_t *j, nano_t *out);
/* N nano-units in units of UNIT nano-units (NANO: whole ones, NANO / 1000: thousandths), rounded up, held to int64. */
int64_t quantity_units(nano_t n, nano_t unit);

#endif
