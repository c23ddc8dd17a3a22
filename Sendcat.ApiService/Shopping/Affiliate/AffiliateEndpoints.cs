using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Shopping.Affiliate;

/// <summary><c>/api/shopping/affiliate</c>: clients put the tag on links to eBay and on no others, or let it be put on.</summary>
internal static class AffiliateEndpoints
{
    private const int LongestLink = 2_048;

    public static void MapAffiliate(this IEndpointRouteBuilder app)
    {
        var affiliate = app.MapGroup("/api/shopping/affiliate").WithTags("Shopping");
        affiliate.MapGet("", GetAsync).RequireLimit(RequestBudget.Shopping).As("affiliate.getEpnConfig", "Query parameters for links to eBay; 204 where there are none", 401, 429).Produces(StatusCodes.Status204NoContent);
        affiliate.MapGet("/link", LinkAsync).RequireLimit(RequestBudget.Shopping).As("affiliate.link", "?url= as it should be followed: with our parameters if it leads to eBay", 400, 401, 429);
    }

    private static async Task<Results<Ok<AffiliateTag>, NoContent, ApiError>> GetAsync(HttpContext http, ShoppingGuard door, IOptionsMonitor<AffiliateOptions> options, CancellationToken cancellationToken) =>
        !(await door.EnterAsync(http, cancellationToken)).TryGet(out var visitor, out var refusal) ? refusal
        : AffiliateTag.Of(options.CurrentValue, visitor) is { } tag ? TypedResults.Ok(tag)
        : TypedResults.NoContent();

    private static async Task<Results<Ok<AffiliateLink>, ApiError>> LinkAsync(HttpContext http, ShoppingGuard door, IOptionsMonitor<AffiliateOptions> options, string? url, CancellationToken cancellationToken)
    {
        if (!(await door.EnterAsync(http, cancellationToken)).TryGet(out var visitor, out var refusal))
        {
            return refusal;
        }

        return url is not { Length: > 0 and <= LongestLink } || !Uri.TryCreate(url, UriKind.Absolute, out var link) || (link.Scheme != Uri.UriSchemeHttps && link.Scheme != Uri.UriSchemeHttp)
            ? ApiError.InvalidRequest($"url must be a web address of at most {LongestLink} characters")
            : TypedResults.Ok(new AffiliateLink((AffiliateTag.Of(options.CurrentValue, visitor)?.On(link) ?? link).AbsoluteUri));
    }
}

internal sealed record AffiliateLink(string Url);
