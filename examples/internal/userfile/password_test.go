package userfile_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/userfile"
)

const testPassword = "correct horse battery staple"

func TestTheSamePasswordHasAnotherHashEachTime(t *testing.T) {
	t.Parallel()
	first, err := userfile.NewHash(testPassword, 1)
	require.NoError(t, err)
	second, err := userfile.NewHash(testPassword, 1)
	require.NoError(t, err)
	require.NotEqual(t, first.String(), second.String())
	require.True(t, first.Matches(testPassword, 1))
	require.True(t, second.Matches(testPassword, 5), "iterations that are made up change nothing")
	require.False(t, first.Matches("", 1))
	require.False(t, first.Matches("", 5))
}

func TestAPasswordMayEndWithOneLineBreakOfAnySystem(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{testPassword, testPassword + "\n", testPassword + "\r\n"} {
		password, err := userfile.ReadPassword(strings.NewReader(typed))
		require.NoError(t, err)
		require.Equal(t, testPassword, password)
	}
}

const (
	goodSalt = "AAAAAAAAAAAAAAAAAAAAAA"
	goodKey  = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	goodHash = "$pbkdf2-sha256$i=600000$" + goodSalt + "$" + goodKey
)

func TestOnlyStrongHashesOfThisFormAreRead(t *testing.T) {
	t.Parallel()
	_, err := userfile.ParseHash(goodHash)
	require.NoError(t, err)
	for name, text := range map[string]string{
		"empty":               "",
		"clear text":          "a password$with$signs",
		"another function":    "$argon2id$i=600000$" + goodSalt + "$" + goodKey,
		"no count":            "$pbkdf2-sha256$600000$" + goodSalt + "$" + goodKey,
		"a count in words":    "$pbkdf2-sha256$i=many$" + goodSalt + "$" + goodKey,
		"too few iterations":  "$pbkdf2-sha256$i=599999$" + goodSalt + "$" + goodKey,
		"too many iterations": "$pbkdf2-sha256$i=10000001$" + goodSalt + "$" + goodKey,
		"a negative count":    "$pbkdf2-sha256$i=-600000$" + goodSalt + "$" + goodKey,
		"a short salt":        "$pbkdf2-sha256$i=600000$AAAA$" + goodKey,
		"a short hash":        "$pbkdf2-sha256$i=600000$" + goodSalt + "$AAAA",
		"a long hash":         "$pbkdf2-sha256$i=600000$" + goodSalt + "$" + goodKey + "AAAA",
		"a salt in hex":       "$pbkdf2-sha256$i=600000$0-0$" + goodKey,
		"padding":             "$pbkdf2-sha256$i=600000$" + goodSalt + "==$" + goodKey + "=",
		"something behind":    "$pbkdf2-sha256$i=600000$" + goodSalt + "$" + goodKey + "$",
		"something before":    "x$pbkdf2-sha256$i=600000$" + goodSalt + "$" + goodKey,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := userfile.ParseHash(text)
			require.ErrorContains(t, err, "idp -hash-password")
		})
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add(goodHash)
	f.Add("$pbkdf2-sha256$i=+600000$$")
	f.Fuzz(func(t *testing.T, text string) {
		hash, err := userfile.ParseHash(text)
		if err != nil {
			return
		}
		again, err := userfile.ParseHash(hash.String())
		require.NoError(t, err)
		require.Equal(t, hash, again)
	})
}
