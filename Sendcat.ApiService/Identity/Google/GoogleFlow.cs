using System.Text.Json.Serialization;

namespace Sendcat.ApiService.Identity.Google;

/// <summary>A sign-in at Google that a browser has started.</summary>
/// <param name="Browser">The digest of the cookie of the browser.</param>
/// <param name="ReturnTo">The page that the browser goes to afterwards.</param>
/// <param name="RedirectUri">The address of our callback, as Google knows it.</param>
/// <param name="Nonce">The nonce that the ID token must contain.</param>
/// <param name="Verifier">The PKCE verifier for Google.</param>
/// <param name="Challenge">The client's own PKCE challenge; null: the cookie alone binds the one-time code.</param>
internal sealed record GoogleFlow(string Browser, string ReturnTo, string RedirectUri, string Nonce, string Verifier, string? Challenge)
{
    /// <summary>True when a callback is being handled, or was.</summary>
    public bool IsTaken { get; init; }

    /// <summary>Where the first callback sent the browser; null until it has ended. <see cref="GoogleFlows"/> encrypts it.</summary>
    public string? Location { get; init; }
}

/// <summary>A Google account whose owner has just signed in at Google, for one use.</summary>
/// <param name="Browser">The digest of the cookie of the browser.</param>
/// <param name="Challenge">See <see cref="GoogleFlow.Challenge"/>.</param>
/// <param name="Account">The account.</param>
/// <param name="UserId">The user that it was linked to at that moment; null: none.</param>
internal sealed record GoogleProof(string Browser, string? Challenge, GoogleAccount Account, string? UserId);

/// <summary>A proof whose code a request presents.</summary>
/// <param name="Key">The key in Redis.</param>
/// <param name="Value">Its value while nobody has taken it.</param>
/// <param name="Proof">The proof.</param>
/// <param name="Taken">Its value when this request has taken it.</param>
internal sealed record IssuedProof(string Key, string Value, GoogleProof Proof, string Taken);

/// <param name="Subject">The key of the account at Google.</param>
/// <param name="Email">Its address.</param>
/// <param name="IsVerified">Whether Google has verified the address.</param>
/// <param name="IsAuthoritative">Whether Google itself manages the mailbox of the address.</param>
/// <param name="Name">The name for display.</param>
internal sealed record GoogleAccount(string Subject, string Email, bool IsVerified, bool IsAuthoritative, string? Name);

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(GoogleFlow))]
[JsonSerializable(typeof(GoogleProof))]
internal sealed partial class GoogleFlowJson : JsonSerializerContext;
