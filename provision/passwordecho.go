package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// withoutPasswords returns err without the passwords of the users that were sent. Graph does not repeat what it was sent,
// but what stands between it and us may, and errors are logged.
func withoutPasswords(err error, users ...NewUser) error {
	if err == nil {
		return nil
	}
	return echoFree(err, passwords(users))
}

// secrets are what no text may say.
type secrets []string

// passwords are those of users.
func passwords(users []NewUser) secrets {
	var all secrets
	for _, user := range users {
		if user.Password != "" {
			all = append(all, user.Password)
		}
	}
	return all
}

// Replace is the text without them.
func (s secrets) Replace(text string) string {
	for _, secret := range s {
		text = strings.ReplaceAll(text, secret, "[password]")
	}
	return text
}

// hidePasswords is deferred where passwords are handed to a directory: what it panics with is logged. The stack is that of
// the panic still.
func hidePasswords(users ...NewUser) {
	v := recover()
	if v == nil {
		return
	}
	text := fmt.Sprint(v)
	if clean := passwords(users).Replace(text); clean != text {
		v = clean
	}
	panic(v)
}

// echoFree is err, or, if there is something to replace in its text, an error that says and matches the same otherwise.
func echoFree(err error, r secrets) error {
	var answer *DirectoryError
	if errors.As(err, &answer) {
		if clean, dirty := answer.echoFree(r); dirty || r.Replace(err.Error()) != err.Error() {
			return clean
		}
		return err
	}
	text := r.Replace(err.Error())
	if text == err.Error() {
		return err
	}
	return &echo{text: text, is: matched(err)}
}

// echoFree is the answer with its texts replaced.
func (e *DirectoryError) echoFree(r secrets) (clean *DirectoryError, dirty bool) {
	replaced := func(text string) string {
		better := r.Replace(text)
		dirty = dirty || better != text
		return better
	}
	clean = &DirectoryError{Status: e.Status, RetryAfter: e.RetryAfter}
	clean.Operation, clean.Code, clean.Message = replaced(e.Operation), replaced(e.Code), replaced(e.Message)
	clean.RequestID = replaced(e.RequestID)
	for _, d := range e.Details {
		clean.Details = append(clean.Details, ErrorDetail{replaced(d.Code), replaced(d.Target), replaced(d.Message)})
	}
	if e.Err != nil {
		clean.Err = echoFree(e.Err, r)
		dirty = dirty || clean.Err.Error() != e.Err.Error()
	}
	return clean, dirty
}

// echo is an error whose text was replaced. It wraps nothing: what it would wrap says the old text.
type echo struct {
	text string
	is   error // what it matches; nil: nothing
}

func (e *echo) Error() string { return e.text }

func (e *echo) Is(target error) bool { return e.is != nil && target == e.is }

// matched is the error by which the pipeline goes on; nil if there is none.
func matched(err error) error {
	for _, ending := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ending) {
			return ending
		}
	}
	return sentinelOf(err)
}
