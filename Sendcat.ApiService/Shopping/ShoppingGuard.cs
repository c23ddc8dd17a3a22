using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Shopping;

/// <summary>Who may look around, and how often: everybody with a session or a token, within the window <c>shopping</c>.</summary>
internal sealed class ShoppingGuard(Principals principals, RequestLimits limits)
{
    public async ValueTask<Outcome<Principal>> EnterAsync(HttpContext http, CancellationToken cancellationToken) =>
        !principals.Read(http).TryGet(out var principal, out var refusal) ? refusal
        : await limits.RefusalAsync(http, RequestBudget.Shopping, principal.Key, cancellationToken) is { } tooMany ? tooMany
        : principal;

    /// <summary>The same, for what only a signed-in user has.</summary>
    /// <param name="bodySessionId">The <c>sessionId</c> of the body, if it has one.</param>
    public async ValueTask<Outcome<Principal>> EnterUserAsync(HttpContext http, CancellationToken cancellationToken, string? bodySessionId = null) =>
        !principals.ReadUser(http, bodySessionId).TryGet(out var principal, out var refusal) ? refusal
        : await limits.RefusalAsync(http, RequestBudget.Shopping, principal.Key, cancellationToken) is { } tooMany ? tooMany
        : principal;
}
