//go:build !cgo

package hsmtest

import "testing"

func TestAKeyInsideAnHSMSigns(t *testing.T) {
	t.Skip("PKCS#11 is a C interface: install a C compiler (Debian's package gcc) and set CGO_ENABLED=1")
}
