//go:build cgo

package hsmtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/miekg/pkcs11"
	"github.com/stretchr/testify/require"
)

// softHSM returns the path of SoftHSM's PKCS#11 module, or skips the test. A path in SOFTHSM2_MODULE must be right.
func softHSM(t *testing.T) string {
	t.Helper()
	if path, set := os.LookupEnv("SOFTHSM2_MODULE"); set {
		require.FileExists(t, path, "SOFTHSM2_MODULE names no module of SoftHSM")
		return path
	}
	for _, path := range []string{
		"/usr/lib/softhsm/libsofthsm2.so",          // Debian, Ubuntu
		"/usr/lib64/pkcs11/libsofthsm2.so",         // Fedora, RHEL
		"/usr/lib64/softhsm/libsofthsm2.so",        // openSUSE
		"/usr/local/lib/softhsm/libsofthsm2.so",    // built from source
		"/opt/homebrew/lib/softhsm/libsofthsm2.so", // Homebrew
	} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skip("there is no SoftHSM here: install Debian's package softhsm2, or name its module in SOFTHSM2_MODULE")
	return ""
}

const (
	securityOfficerPIN = "security officer"
	userPIN            = "user"
	tokenLabel         = "entrafed"
)

// token is an HSM with nothing in it, open for its user.
type token struct {
	module *pkcs11.Ctx

	// A session carries one operation at a time, so each operation takes one out and puts it back. There are fewer than
	// the tests have goroutines, so that some have to wait.
	sessions chan pkcs11.SessionHandle
}

const sessions = 3

// newToken makes a token in a directory of the test. There is one at a time, as PKCS#11 is initialised per process.
func newToken(t *testing.T) *token {
	t.Helper()
	path := softHSM(t)
	useOwnDirectory(t)
	module := pkcs11.New(path)
	require.NotNil(t, module, "%s cannot be loaded", path)
	t.Cleanup(module.Destroy)
	require.NoError(t, module.Initialize())
	t.Cleanup(func() { require.NoError(t, module.Finalize()) })

	hsm := &token{module, make(chan pkcs11.SessionHandle, sessions)}
	hsm.initialise(t)
	hsm.open(t)
	return hsm
}

// useOwnDirectory points SoftHSM at an empty directory, away from the tokens of this machine.
func useOwnDirectory(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	tokens, config := filepath.Join(dir, "tokens"), filepath.Join(dir, "softhsm2.conf")
	require.NoError(t, os.Mkdir(tokens, 0o700))
	content := "directories.tokendir = " + tokens + "\nobjectstore.backend = file\nlog.level = ERROR\n"
	require.NoError(t, os.WriteFile(config, []byte(content), 0o600))
	t.Setenv("SOFTHSM2_CONF", config)
}

// initialise makes a token in the one slot that an empty SoftHSM has, and sets its user's PIN.
func (hsm *token) initialise(t *testing.T) {
	t.Helper()
	slots, err := hsm.module.GetSlotList(true)
	require.NoError(t, err)
	require.Len(t, slots, 1, "SoftHSM does not look at the test's own directory")
	require.NoError(t, hsm.module.InitToken(slots[0], securityOfficerPIN, tokenLabel))

	session, err := hsm.module.OpenSession(hsm.slot(t), pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	require.NoError(t, err)
	require.NoError(t, hsm.module.Login(session, pkcs11.CKU_SO, securityOfficerPIN))
	require.NoError(t, hsm.module.InitPIN(session, userPIN))
	require.NoError(t, hsm.module.Logout(session))
	require.NoError(t, hsm.module.CloseSession(session))
}

// slot finds the token, which SoftHSM moves to another slot when it is initialised.
func (hsm *token) slot(t *testing.T) uint {
	t.Helper()
	slots, err := hsm.module.GetSlotList(true)
	require.NoError(t, err)
	for _, slot := range slots {
		info, err := hsm.module.GetTokenInfo(slot)
		require.NoError(t, err)
		if info.Label == tokenLabel {
			return slot
		}
	}
	require.Fail(t, "the token is in no slot")
	return 0
}

// open opens the sessions and logs in, which counts for all of them.
func (hsm *token) open(t *testing.T) {
	t.Helper()
	slot := hsm.slot(t)
	for range sessions {
		session, err := hsm.module.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
		require.NoError(t, err)
		hsm.sessions <- session
	}
	hsm.do(func(session pkcs11.SessionHandle) {
		require.NoError(t, hsm.module.Login(session, pkcs11.CKU_USER, userPIN))
	})
}

// do runs one operation in a session of its own, and waits for one if there is none.
func (hsm *token) do(operation func(pkcs11.SessionHandle)) {
	session := <-hsm.sessions
	defer func() { hsm.sessions <- session }()
	operation(session)
}
