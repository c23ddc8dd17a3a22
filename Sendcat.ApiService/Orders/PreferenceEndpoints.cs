using Microsoft.AspNetCore.Http.HttpResults;
using NpgsqlTypes;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.Integrations.Orders;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Orders;

/// <summary><c>/api/preferences</c>: what the caller wants to be done without being asked. A guest has none.</summary>
internal static class PreferenceEndpoints
{
    public static void MapPreferences(this IEndpointRouteBuilder app)
    {
        var preferences = app.MapGroup("/api/preferences").WithTags("Orders");
        preferences.MapGet("", GetAsync).As("preferences.get", "Preferences of the caller; 204 for a guest", 401);
        preferences.MapPut("", PutAsync).RequireLimit(RequestBudget.Writing).Takes<PreferencesChange>()
            .As("preferences.update", "Change preferences; an omitted one is unchanged", 400, 401, 413, 415, 429);
    }

    private static async Task<Results<Ok<PreferencesView>, NoContent, ApiError>> GetAsync(
        HttpContext http, Principals principals, RequestDatabase database, CancellationToken cancellationToken)
    {
        if (!principals.Read(http).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        if (principal.UserId is not { } user)
        {
            return TypedResults.NoContent();
        }

        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(PreferenceReader.Read);
        command.Parameters.Add(new() { Value = user });
        return TypedResults.Ok(PreferencesView.Of(await PreferenceReader.ReadAsync(command, CancellationToken.None)));
    }

    private static async Task<Results<Ok<PreferencesView>, ApiError>> PutAsync(
        HttpContext http, Principals principals, RequestDatabase database, TimeProvider time, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, OrdersJson.Default.PreferencesChange, cancellationToken);
        if (!body.TryGet(out var change, out var refusal) || !principals.ReadUser(http).TryGet(out var principal, out refusal))
        {
            return refusal;
        }

        await using var connection = await database.OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand(
            """
            -- save preferences
            INSERT INTO user_preferences AS known (user_id, auto_create_pre_alerts, gmail_sync_enabled, whatsapp_sync_enabled,
                package_status_mails, updated_at)
            SELECT id, coalesce($2, $6), coalesce($3, $7), coalesce($4, $8), coalesce($5, $9), $10 FROM users WHERE id = $1
            ON CONFLICT (user_id) DO UPDATE SET
                auto_create_pre_alerts = coalesce($2, known.auto_create_pre_alerts),
                gmail_sync_enabled = coalesce($3, known.gmail_sync_enabled),
                whatsapp_sync_enabled = coalesce($4, known.whatsapp_sync_enabled),
                package_status_mails = coalesce($5, known.package_status_mails), updated_at = $10
            RETURNING auto_create_pre_alerts, gmail_sync_enabled, whatsapp_sync_enabled, package_status_mails
            """);
        command.Parameters.Add(new() { Value = principal.UserId! });
        foreach (var chosen in (bool?[])
            [
                change.AutoCreatePreAlerts, change.GmailSyncEnabled, change.WhatsappSyncEnabled, change.PackageStatusMails,
            ])
        {
            command.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Boolean, Value = (object?)chosen ?? DBNull.Value });
        }

        var defaults = UserPreferences.Default;
        foreach (var value in (bool[])
            [
                defaults.AutoCreatePreAlerts, defaults.GmailSyncEnabled, defaults.WhatsappSyncEnabled, defaults.PackageStatusMails,
            ])
        {
            command.Parameters.Add(new() { Value = value });
        }

        command.Parameters.Add(new() { Value = time.GetUtcNow() });
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        return await reader.ReadAsync(CancellationToken.None)
            ? TypedResults.Ok(new PreferencesView(reader.GetBoolean(0), reader.GetBoolean(1), reader.GetBoolean(2), reader.GetBoolean(3)))
            : ApiError.Unauthorized("The account does not exist any more");
    }
}
