// Package xmldoc writes XML in exclusive canonical form the first time, and reads XML under strict rules.
//
// A [Writer] keeps the promise that what was digested is what is sent: it declares each namespace where exclusive
// canonicalisation (https://www.w3.org/TR/xml-exc-c14n/) would, wants attributes in canonical order, and escapes every
// value as canonical XML does. Names come from the program, values from anywhere; there is no call that writes a value
// unescaped, so a value cannot become markup.
//
// [Parse] accepts the small part of XML that SAML messages need: UTF-8, one root, no document type, no comments, no
// processing instructions, no CDATA sections, declared prefixes, no repeated attribute, no repeated ID.
package xmldoc
