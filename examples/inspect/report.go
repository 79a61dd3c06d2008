package main

import (
	"net/url"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/federation/entratest"
)

// report is what was found, as -json prints it.
type report struct {
	// What is "Response", "LogoutResponse", "AuthnRequest", "LogoutRequest", "WS-Federation sign-in",
	// "WS-Federation sign-out", "address without a message", "smart link" or "unknown".
	What string `json:"what"`

	Outcome   outcome `json:"outcome"`
	CheckedAt string  `json:"checkedAt,omitempty"` // the time that counted as now
	Mode      string  `json:"mode,omitempty"`      // "strict" or "lenient"

	Request *entratest.Message `json:"request,omitempty"` // that of -request
	Verdict *entratest.Verdict `json:"verdict,omitempty"`
	Missing []string           `json:"missing,omitempty"` // what could not be looked at, and the flags for it

	// Of -decode.
	SentBy     string             `json:"sentBy,omitempty"`     // the method, where it is known
	Parameters url.Values         `json:"parameters,omitempty"` // what travelled along with the message
	Message    *entratest.Message `json:"message,omitempty"`
	Link       *linkParts         `json:"link,omitempty"`
	Odd        []string           `json:"odd,omitempty"`
	XML        string             `json:"xml,omitempty"`
}

// linkParts is a smart link, taken apart.
type linkParts struct {
	Form       string `json:"form"`
	Domain     string `json:"domain,omitempty"`
	Target     string `json:"target,omitempty"`
	LoginHint  string `json:"loginHint,omitempty"`
	Client     string `json:"client,omitempty"`
	Connection string `json:"connection,omitempty"`
	Modern     string `json:"modern,omitempty"` // the link that does the same today
}

// outcome is how it ends.
type outcome string

// The outcomes.
const (
	outcomeAccepted outcome = "accepted"    // every rule that lets a person in was checked, and passed
	outcomeFine     outcome = "not refused" // nothing speaks against it as far as could be seen
	outcomeRefused  outcome = "refused"     // Entra would refuse it, or does not send it
)

func outcomeOf(v entratest.Verdict) outcome {
	switch {
	case v.Refused():
		return outcomeRefused
	case v.Accepted && v.User.UPN != "":
		return outcomeAccepted
	}
	return outcomeFine
}

func (r report) exitCode() int {
	if r.Outcome == outcomeRefused {
		return command.ExitFailed
	}
	return command.ExitOK
}
