// Package endtoend shows everything joined: a simulated tenant with its lag, Graph through the SDK, the pipeline, the
// response, and the Bridge in front of them. It has tests only, apart from those of package adapters, so that these
// compile without the SDK.
package endtoend
