// Package loadtest shows what one Bridge bears: ten thousand first sign-ins of a thousand people at once, in front of a
// simulated tenant with its lag and its throttling, in virtual time. It has tests only, in a module of its own, because
// nothing else needs what finds forgotten goroutines.
package loadtest
