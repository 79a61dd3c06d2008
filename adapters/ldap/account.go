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

	// Of FreeIPA and 389 Directory Server.
	attrAccountLock      = "nsAccountLock"
	attrPrincipalExpires = "krbPrincipalExpiration"
	attrPasswordExpires  = "krbPasswordExpiration"
)

// The bits of userAccountControl and msDS-User-Account-Control-Computed:
// https://learn.microsoft.com/windows/win32/adschema/a-useraccountcontrol
const (
	uacDisabled        = 0x2
	uacLockout         = 0x10
	uacPasswordExpired = 0x800000
)

// dataCode is the Windows error in what Active Directory says of a refused bind: "… AcceptSecurityContext error, data
// 533, …".
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
	case "533":
		return "the account is disabled"
	case "701":
		return "the account has expired"
	}
	return ""
}

// passwordDue is who must change the password, which is right, before it is good for anything.
func passwordDue(why string) *Error { return &Error{Step: "account", text: why, err: ErrPasswordDue} }

const (
	passwordExpired = "the password has expired: the person must change it"
	passwordReset   = "the person must change the password first"
)

// What it says whatever the password is, so the person learns nothing of it.
const (
	dataWrong  = "52e"
	dataLocked = "775"
)

// bindPerson proves a person's password.
func (cfg Config) bindPerson(conn *goldap.Conn, dn, password string) error {
	request := goldap.NewSimpleBindRequest(dn, password, nil)
	if cfg.Kind != ActiveDirectory {
		request.Controls = []goldap.Control{goldap.NewControlBeheraPasswordPolicy()} // what it does not know, it ignores
	}
	answer, err := conn.SimpleBind(request)
	policy := policyOf(answer)
	switch {
	case policy == goldap.BeheraPasswordExpired:
		return passwordDue(passwordExpired)
	case policy == goldap.BeheraChangeAfterReset:
		return passwordDue(passwordReset)
	case err == nil:
		return nil
	}
	refused := refusedBind(err)
	if policy == goldap.BeheraAccountLocked {
		refused.text = "the account is locked, as far as the directory says"
	}
	return refused
}

// policyOf is the error that a policy for passwords has with a bind, -1 if none. Of a password that has expired or must
// be changed slapd speaks to those who know it:
// https://datatracker.ietf.org/doc/html/draft-behera-ldap-password-policy-10
// https://datatracker.ietf.org/doc/html/draft-vchu-ldap-pwd-policy-00
func policyOf(answer *goldap.SimpleBindResult) int8 {
	if answer == nil {
		return -1
	}
	for _, control := range answer.Controls {
		switch control := control.(type) {
		case *goldap.ControlBeheraPasswordPolicy:
			return control.Error
		case *goldap.ControlVChuPasswordMustChange:
			return goldap.BeheraChangeAfterReset
		}
	}
	return -1
}

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
	case data == "532":
		e.Step, e.text, e.err = "account", passwordExpired, ErrPasswordDue
	case data == "773":
		e.Step, e.text, e.err = "account", passwordReset, ErrPasswordDue
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
		return passwordDue(passwordExpired)
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
	case strings.EqualFold(entry.GetEqualFoldAttributeValue(attrAccountLock), "TRUE"):
		return denied("the account is disabled")
	case locked == lockedForGood, locked != "" && !proved:
		return denied("the account is locked")
	case cfg.passed(entry, attrPrincipalExpires):
		return denied("the account has expired")
	case cfg.passed(entry, attrPasswordExpires):
		return passwordDue(passwordExpired)
	case strings.EqualFold(entry.GetEqualFoldAttributeValue(attrPasswordReset), "TRUE"):
		return passwordDue(passwordReset)
	case expiring && days >= 0 && days <= maxDays && !cfg.Now().Before(time.Unix(days*24*60*60, 0)):
		return denied("the account has expired")
	}
	return nil
}

// passed reports whether a time is over, or cannot be read. None, and the beginning of Unix time, mean never.
func (cfg Config) passed(entry *goldap.Entry, attribute string) bool {
	stated := entry.GetEqualFoldAttributeValue(attribute)
	if stated == "" {
		return false
	}
	when, err := time.Parse("20060102150405Z0700", stated) // RFC 4517, section 3.3.13
	return err != nil || when.Unix() != 0 && !cfg.Now().Before(when)
}

// maxDays is the largest number of days that is one of seconds too.
const maxDays = 1 << 40

func number(entry *goldap.Entry, attribute string) (int64, bool) {
	value, err := strconv.ParseInt(entry.GetEqualFoldAttributeValue(attribute), 10, 64)
	return value, err == nil
}
