package oidc

import "slices"

// factor is a kind of proof.
type factor int

const (
	known factor = 1 << iota // something the person knows
	owned                    // something the person has
	body                     // something the person is
)

// factorOf says of which kind a method is, by its meaning in RFC 8176, section 2. Of 0 are those that are none by
// themselves: where the person is, that somebody is there, a risk score, Windows' own sign-in, several channels.
func factorOf(method string) factor {
	switch method {
	case "pwd", "pin", "kba":
		return known
	case "otp", "sms", "tel", "hwk", "swk", "sc", "pop":
		return owned
	case "face", "fpt", "iris", "retina", "vbm":
		return body
	}
	return 0
}

// provesMFA reports whether a second factor was proved.
func (c Claims) provesMFA(contexts []string) bool {
	if acr := c.Text("acr"); acr != "" && slices.Contains(contexts, acr) {
		return true
	}
	var kinds factor
	for _, method := range c.Texts("amr") {
		if method == "mfa" {
			return true
		}
		kinds |= factorOf(method)
	}
	return kinds&(kinds-1) != 0 // more than one
}
