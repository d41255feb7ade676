package main

import "strconv"

// amount returns a number with the singular or plural name: "1 row", "2 rows".
func amount[N int | int64](n N, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(int64(n), 10) + " " + several
}
