package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
)

func TestAHashedPasswordSignsIn(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := newWorld(t).command(testPassword+"\n", "-hash-password")
	require.Equal(t, command.ExitOK, code, stderr)
	line, found := strings.CutSuffix(stdout, "\n")
	require.True(t, found)
	require.NotContains(t, line, "\n")

	hash, err := parsePasswordHash(line)
	require.NoError(t, err)
	require.Equal(t, line, hash.String())
	require.Equal(t, minIterations, hash.iterations)
	require.True(t, hash.matches(testPassword, minIterations))
	require.False(t, hash.matches(testPassword+"\n", minIterations))
}

func TestTheSamePasswordHasAnotherHashEachTime(t *testing.T) {
	t.Parallel()
	first, err := newPasswordHash(testPassword, 1)
	require.NoError(t, err)
	second, err := newPasswordHash(testPassword, 1)
	require.NoError(t, err)
	require.NotEqual(t, first.String(), second.String())
	require.True(t, first.matches(testPassword, 1))
	require.True(t, second.matches(testPassword, 5), "iterations that are made up change nothing")
	require.False(t, first.matches("", 1))
	require.False(t, first.matches("", 5))
}

func TestAPasswordThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ typed, says string }{
		"nothing":               {"", "0 characters"},
		"a line break alone":    {"\n", "0 characters"},
		"too short":             {"fourteen chars\n", "14 characters, and at least 15"},
		"short in characters":   {strings.Repeat("ä", 14), "14 characters"},
		"two lines":             {testPassword + "\n" + testPassword + "\n", "one line"},
		"not UTF-8":             {testPassword + "\xff", "UTF-8"},
		"longer than the limit": {strings.Repeat("a", maxPasswordBytes+1), "longer than 1024"},
		"endless":               {strings.Repeat("a", 1<<20), "longer than 1024"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := newWorld(t).command(test.typed, "-hash-password")
			require.Equal(t, command.ExitFailed, code)
			require.Empty(t, stdout)
			require.Contains(t, stderr, test.says)
		})
	}
}

func TestAPasswordMayEndWithOneLineBreakOfAnySystem(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{testPassword, testPassword + "\n", testPassword + "\r\n"} {
		password, err := readPassword(strings.NewReader(typed))
		require.NoError(t, err)
		require.Equal(t, testPassword, password)
	}
}

const (
	goodSalt = "AAAAAAAAAAAAAAAAAAAAAA"
	goodKey  = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

func TestOnlyStrongHashesOfThisFormAreRead(t *testing.T) {
	t.Parallel()
	_, err := parsePasswordHash("$pbkdf2-sha256$i=600000$" + goodSalt + "$" + goodKey)
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
			_, err := parsePasswordHash(text)
			require.ErrorContains(t, err, "idp -hash-password")
		})
	}
}

func FuzzParsePasswordHash(f *testing.F) {
	f.Add("$pbkdf2-sha256$i=600000$" + goodSalt + "$" + goodKey)
	f.Add("$pbkdf2-sha256$i=+600000$$")
	f.Fuzz(func(t *testing.T, text string) {
		hash, err := parsePasswordHash(text)
		if err != nil {
			return
		}
		again, err := parsePasswordHash(hash.String())
		require.NoError(t, err)
		require.Equal(t, hash, again)
	})
}
