using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Shopping;

/// <summary>
/// Authenticates and rate-limits shopping requests: callers need a session or a token, and the budget <c>shopping</c> applies.
/// </summary>
internal sealed class ShoppingGuard(Principals principals, RequestLimits limits)
{
    /// <returns>The principal; or the refusal: not authenticated, or too many requests.</returns>
    public async ValueTask<Outcome<Principal>> EnterAsync(HttpContext http, CancellationToken cancellationToken) =>
        !principals.Read(http).TryGet(out var principal, out var refusal) ? refusal
        : await limits.RefusalAsync(http, RequestBudget.Shopping, principal.Key, cancellationToken) is { } tooMany ? tooMany
        : principal;

    /// <summary>Like <see cref="EnterAsync"/>, but only for signed-in users.</summary>
    /// <param name="bodySessionId">The <c>sessionId</c> of the body, if it has one.</param>
    public async ValueTask<Outcome<Principal>> EnterUserAsync(
        HttpContext http, CancellationToken cancellationToken, string? bodySessionId = null) =>
        !principals.ReadUser(http, bodySessionId).TryGet(out var principal, out var refusal) ? refusal
        : await limits.RefusalAsync(http, RequestBudget.Shopping, principal.Key, cancellationToken) is { } tooMany ? tooMany
        : principal;
}
