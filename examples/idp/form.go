package main

import (
	"fmt"
	"math"
	"time"
)

// form is the sign-in form, with what was typed before and what was wrong with it.
type form struct {
	Domain, Action string
	To, Login      string

	Error       string // what to tell; empty the first time
	BadLogin    bool
	BadPassword bool
}

// incomplete says which fields are empty.
func (f form) incomplete(password string) form {
	f.BadLogin, f.BadPassword = f.Login == "", password == ""
	switch {
	case f.BadLogin && f.BadPassword:
		f.Error = "Enter your sign-in name and your password."
	case f.BadLogin:
		f.Error = "Enter your sign-in name."
	case f.BadPassword:
		f.Error = "Enter your password."
	}
	return f
}

// wrong does not say which of the two is wrong: that would tell strangers who has an account.
func (f form) wrong() form {
	f.BadLogin, f.BadPassword = true, true
	f.Error = "The sign-in name or the password is wrong. Check both and try again. If you have forgotten your password, " +
		"ask your administrator."
	return f
}

func (f form) tooMany(wait time.Duration) form {
	f.Error = fmt.Sprintf("There were too many attempts. Please wait %s and try again.", inWords(wait))
	return f
}

func (f form) busy(wait time.Duration) form {
	f.Error = fmt.Sprintf("Very many people are signing in at the moment. Please try again in %s.", inWords(wait))
	return f
}

func inWords(wait time.Duration) string {
	if seconds := int(math.Ceil(wait.Seconds())); seconds < 60 {
		return plural(seconds, "second")
	}
	return plural(int(math.Ceil(wait.Minutes())), "minute")
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
