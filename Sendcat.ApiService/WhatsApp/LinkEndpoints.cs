using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.Integrations.WhatsApp;

namespace Sendcat.ApiService.WhatsApp;

/// <summary><c>/api/whatsapp</c>: links the caller's account with a WhatsApp user.</summary>
internal static class LinkEndpoints
{
    public static void MapLinks(this RouteGroupBuilder functions)
    {
        var links = functions.MapGroup("/api/whatsapp").WithTags("WhatsApp");
        links.MapPost("/linking-code", CreateCodeAsync).RequireLimit(RequestBudget.Writing)
            .As(
                "whatsapp.requestLinkingCode",
                "A linking code, valid for ten minutes: it links the phone from which it is sent, and an existing link stays until then",
                401, 403, 404, 429);
        links.MapGet("/status", StatusAsync)
            .As("whatsapp.getLinkingStatus", "The linked phone, and the code that is valid at present", 401);
        links.MapDelete("", DeleteAsync).RequireLimit(RequestBudget.Writing).As("whatsapp.disconnect", "End the link", 401, 429);
    }

    private static async Task<Results<Ok<LinkingCodeView>, ApiError>> CreateCodeAsync(
        HttpContext http, Principals principals, RequestLimits limits, SendcatDb db, IOptionsMonitor<WhatsAppOptions> options,
        TimeProvider time, CancellationToken cancellationToken)
    {
        if (!principals.ReadConfirmedUser(http).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        if (!options.CurrentValue.IsConfigured)
        {
            return ApiError.NotConfigured("WhatsApp");
        }

        if (await limits.RefusalAsync(http, RequestBudget.WhatsAppLinkingCode, principal.Key, cancellationToken) is { } limited)
        {
            return limited;
        }

        var expiresAt = PostgresTime.Now(time) + LinkingCode.Lifetime;
        var code = await StoreAsync(db, principal.UserId!, expiresAt, cancellationToken);
        var number = options.CurrentValue.Number;
        return TypedResults.Ok(new LinkingCodeView(code, expiresAt, number.Length == 0 ? null : number));
    }

    private static async Task<string> StoreAsync(SendcatDb db, string userId, DateTimeOffset expiresAt, CancellationToken cancellationToken)
    {
        while (true)
        {
            var code = LinkingCode.Create();
            try
            {
                await db.Database.ExecuteSqlAsync(
                    $"""
                    -- store linking code
                    INSERT INTO whatsapp_linking_codes (user_id, code, expires_at) VALUES ({userId}, {code}, {expiresAt})
                    ON CONFLICT (user_id) DO UPDATE SET code = excluded.code, expires_at = excluded.expires_at
                    """,
                    cancellationToken);
                return code;
            }
            catch (PostgresException taken) when (taken.SqlState == PostgresErrorCodes.UniqueViolation)
            {
                // Another account has the same code. The next one is another.
            }
        }
    }

    private static async Task<Results<Ok<LinkView>, ApiError>> StatusAsync(
        HttpContext http, Principals principals, SendcatDb db, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!principals.Read(http).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        if (principal.UserId is not { } user)
        {
            return TypedResults.Ok(new LinkView(false, null, null, null, null, null));
        }

        var now = time.GetUtcNow();
        var link = await db.WhatsAppLinks.AsNoTracking().SingleOrDefaultAsync(l => l.UserId == user, cancellationToken);
        var code = await db.WhatsAppLinkingCodes.AsNoTracking()
            .SingleOrDefaultAsync(c => c.UserId == user && c.ExpiresAt > now, cancellationToken);
        return TypedResults.Ok(
            new LinkView(link is not null, link?.Phone, link?.ConnectedAt, link?.LastMessageAt, code?.Code, code?.ExpiresAt));
    }

    private static async Task<Results<NoContent, ApiError>> DeleteAsync(
        HttpContext http, Principals principals, SendcatDb db, CancellationToken cancellationToken)
    {
        if (!principals.ReadUser(http).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        await db.WhatsAppLinkingCodes.Where(code => code.UserId == principal.UserId).ExecuteDeleteAsync(cancellationToken);
        await db.WhatsAppLinks.Where(link => link.UserId == principal.UserId).ExecuteDeleteAsync(cancellationToken);
        return TypedResults.NoContent();
    }
}
