package ldap

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/entrafed/entrafed/adapters"
)

const (
	attrUAC            = "userAccountControl"
	attrComputedUAC    = "msDS-User-Account-Control-Computed"
	attrAccountExpires = "accountExpires"
	attrLockedTime     = "pwdAccountLockedTime"
	attrPasswordReset  = "pwdReset"
	attrShadowExpire   = "shadowExpire"
)

// The bits of userAccountControl and msDS-User-Account-Control-Computed:
// https://learn.microsoft.com/troubleshoot/windows-server/active-directory/useraccountcontrol-manipulate-account-properties
const (
	uacDisabled        = 0x2
	uacLockout         = 0x10
	uacPasswordExpired = 0x800000
)

// dataCode is the Windows error in what Active Directory says of a refused bind: "… AcceptSecurityContext error, data 533, …".
var dataCode = regexp.MustCompile(`, data ([0-9a-fA-F]{1,8}),`)

// refusal is what Active Directory says to somebody who knows the password, and what to do. "" for all that it says to
// others too, or that is not known:
// https://learn.microsoft.com/windows/win32/debug/system-error-codes--1300-1699-
func refusal(data string) string {
	switch data {
	case "530":
		return "the account may not sign in at this time: see its logon hours"
	case "531":
		return "the account may not sign in from this computer: see its logon workstations"
	case "532":
		return passwordExpired
	case "533":
		return "the account is disabled"
	case "701":
		return "the account has expired"
	case "773":
		return passwordReset
	}
	return ""
}

const (
	passwordExpired = "the password has expired: the person must change it"
	passwordReset   = "the person must change the password first"
)

// What it says whatever the password is, so the person learns nothing of it.
const (
	dataWrong  = "52e"
	dataLocked = "775"
)

// refusedBind says why the directory did not take the name and the password. What the directory said is not repeated.
func refusedBind(err error) *Error {
	var answered *goldap.Error
	if !errors.As(err, &answered) || answered.ResultCode >= goldap.ErrorNetwork {
		lost := failure("sign-in", err, "")
		lost.unanswered = true
		return lost
	}
	refused := &Error{Step: "sign-in", Code: answered.ResultCode, text: "the name or the password is wrong", err: ErrWrong}
	switch answered.ResultCode {
	case goldap.LDAPResultInvalidCredentials:
		refused.say(dataOf(answered))
	case goldap.LDAPResultInappropriateAuthentication, goldap.LDAPResultNoSuchObject, goldap.LDAPResultInvalidDNSyntax,
		goldap.LDAPResultUnwillingToPerform, goldap.LDAPResultInsufficientAccessRights, goldap.LDAPResultConstraintViolation:
		refused.text = "the directory does not let this entry bind"
	default:
		return failure("sign-in", goldap.NewError(answered.ResultCode, errors.New("the bind failed")), "")
	}
	return refused
}

// say adds what Active Directory says.
func (e *Error) say(data string) {
	switch why := refusal(data); {
	case why != "":
		e.Step, e.text, e.err = "account", why, adapters.ErrDenied
	case data == dataLocked:
		e.text = "the account is locked, as far as the directory says"
	case data != "" && data != dataWrong:
		e.text += " (data " + data + ")"
	}
}

// lockedSince adds to a refusal what slapd does not say in it.
func lockedSince(entry *goldap.Entry, err error) error {
	var failed *Error
	if since := value(entry, attrLockedTime); since != "" && errors.Is(err, ErrWrong) && errors.As(err, &failed) {
		failed.text += "; " + attrLockedTime + " is " + sayable(since)
	}
	return err
}

func dataOf(answered *goldap.Error) string {
	if answered.Err == nil {
		return ""
	}
	found := dataCode.FindStringSubmatch(answered.Err.Error())
	if found == nil {
		return ""
	}
	return strings.ToLower(found[1])
}

// usable refuses accounts that may not sign in. proved: the directory has just taken the password, which says that the
// account is not locked at present.
func (cfg Config) usable(entry *goldap.Entry, proved bool) error {
	if cfg.Kind == ActiveDirectory {
		return cfg.usableAD(entry, proved)
	}
	return cfg.usableOpenLDAP(entry, proved)
}

func (cfg Config) usableAD(entry *goldap.Entry, proved bool) error {
	uac, stated := number(entry, attrUAC)
	computed, _ := number(entry, attrComputedUAC)
	expires, expiring := number(entry, attrAccountExpires)
	switch {
	case !stated:
		return denied("userAccountControl cannot be read: let the account that searches read it")
	case uac&uacDisabled != 0:
		return denied("the account is disabled")
	case computed&uacPasswordExpired != 0:
		return denied(passwordExpired)
	case !proved && computed&uacLockout != 0:
		return denied("the account is locked")
	case expiring && expires != 0 && expires != never && !cfg.Now().Before(fileTime(expires)):
		return denied("the account has expired")
	}
	return nil
}

// never is the accountExpires of an account that does not expire, as is 0:
// https://learn.microsoft.com/windows/win32/adschema/a-accountexpires
const never = 1<<63 - 1

// fileTime is so many 100 nanoseconds after 1601.
func fileTime(intervals int64) time.Time {
	const perSecond, toUnix = 10_000_000, 11_644_473_600
	return time.Unix(intervals/perSecond-toUnix, intervals%perSecond*100)
}

// lockedForGood is the pwdAccountLockedTime of an account that an administrator has locked: slapo-ppolicy(5).
const lockedForGood = "000001010000Z"

func (cfg Config) usableOpenLDAP(entry *goldap.Entry, proved bool) error {
	locked := entry.GetEqualFoldAttributeValue(attrLockedTime)
	days, expiring := number(entry, attrShadowExpire)
	switch {
	case locked == lockedForGood, locked != "" && !proved:
		return denied("the account is locked")
	case strings.EqualFold(entry.GetEqualFoldAttributeValue(attrPasswordReset), "TRUE"):
		return denied(passwordReset)
	case expiring && days >= 0 && days <= maxDays && !cfg.Now().Before(time.Unix(days*24*60*60, 0)):
		return denied("the account has expired")
	}
	return nil
}

// maxDays is the largest number of days that is one of seconds too.
const maxDays = 1 << 40

func number(entry *goldap.Entry, attribute string) (int64, bool) {
	value, err := strconv.ParseInt(entry.GetEqualFoldAttributeValue(attribute), 10, 64)
	return value, err == nil
}
