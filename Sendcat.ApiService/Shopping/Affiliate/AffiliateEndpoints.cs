using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Shopping.Affiliate;

/// <summary>
/// <c>/api/shopping/affiliate</c>: clients get the affiliate tag and add it to links to eBay, or they send a link and get it back with the
/// tag.
/// </summary>
internal static class AffiliateEndpoints
{
    /// <summary>Characters.</summary>
    private const int MaxLinkLength = 2_048;

    public static void MapAffiliate(this IEndpointRouteBuilder app)
    {
        var affiliate = app.MapGroup("/api/shopping/affiliate").WithTags("Shopping");
        affiliate.MapGet("", GetAsync).RequireLimit(RequestBudget.Shopping)
            .As("affiliate.getEpnConfig", "Query parameters for links to eBay; 204 where there are none", 401, 429)
            .Produces(StatusCodes.Status204NoContent);
        affiliate.MapGet("/link", LinkAsync).RequireLimit(RequestBudget.Shopping)
            .As("affiliate.link", "Tag a link: ?url= as it should be followed, with our parameters if it leads to eBay", 400, 401, 429);
    }

    private static async Task<Results<Ok<AffiliateTag>, NoContent, ApiError>> GetAsync(
        HttpContext http, ShoppingGuard guard, IOptionsMonitor<AffiliateOptions> options, CancellationToken cancellationToken) =>
        !(await guard.EnterAsync(http, cancellationToken)).TryGet(out var principal, out var refusal) ? refusal
        : AffiliateTag.Of(options.CurrentValue, principal) is { } tag ? TypedResults.Ok(tag)
        : TypedResults.NoContent();

    private static async Task<Results<Ok<AffiliateLink>, ApiError>> LinkAsync(
        HttpContext http, ShoppingGuard guard, IOptionsMonitor<AffiliateOptions> options, string? url, CancellationToken cancellationToken)
    {
        if (!(await guard.EnterAsync(http, cancellationToken)).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        return url is not { Length: > 0 and <= MaxLinkLength }
            || !Uri.TryCreate(url, UriKind.Absolute, out var link)
            || (link.Scheme != Uri.UriSchemeHttps && link.Scheme != Uri.UriSchemeHttp)
            ? ApiError.InvalidRequest($"url must be a web address of at most {MaxLinkLength} characters")
            : TypedResults.Ok(new AffiliateLink((AffiliateTag.Of(options.CurrentValue, principal)?.On(link) ?? link).AbsoluteUri));
    }
}

internal sealed record AffiliateLink(string Url);
