// Package credit is credit association (TSD-CRD) in the official reference-v1
// profile, field by field: an agent without a history of its own shows whose
// credit stands behind it, for one purpose, in one scope, for a time.
//
// An owner applies ([Application]); a credit service maps what it says of the
// owner ([SubjectAssertion]) to something smaller that it says of the agent
// ([AgentAssertion]); an issuer signs the association ([Credential]), after the
// owner's own signature or on its attested confirmation; a [Lifecycle] tells
// whether it still holds; a relying party asks ([VerificationRequest]), for the
// credential alone or, with the owner's [QueryAuthorization], for the mapped
// value; and gets a signed answer for every outcome.
//
// # What it promises
//
//   - Two levels, two types. [CredentialResponse] has no place for a credit
//     value; [CreditResponse] exists for a passed second level only
//     (TSD-CRD-VER-04).
//   - The seven steps in their order, and nothing of the owner's credit is
//     looked at before they have passed ([JudgeCredential], [JudgeInformation]).
//     Undetermined never becomes a pass.
//   - Signatures in the official bare form: Ed25519 over the RFC 8785 form of
//     the members they cover. It has no domain separation, and so the keys are
//     for nothing else ([keys.Credit]); that no text of one kind has the form of
//     another is tested.
//   - An answer is a [RiskReference] and no more: it widens no mandate and
//     replaces no check of a payment (TSD-CRD-VER-06). No package of this
//     library takes one as an argument.
//
// # What it does not do
//
// It fetches nothing, stores nothing and has no clock: keys, states and times
// are given. It does not rate anybody: how a credit is mapped is the credit
// service's. examples/credit is a service around it.
package credit
