using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Identity.Profiles;

/// <summary><c>/api/profile</c>: the profile of the caller. A request cannot name another profile.</summary>
internal static class ProfileEndpoints
{
    public static void MapProfile(this IEndpointRouteBuilder app)
    {
        var profile = FunctionErrors.Group(app).MapGroup("/api/profile").WithTags("Identity");
        profile.MapGet("", GetAsync).As("profiles.get", "The caller's profile", 401, 404);
        profile.MapPatch("", PatchAsync).RequireLimit(RequestBudget.Writing).Takes<ProfileChange>()
            .As("profiles.patch", "Change some fields of the caller's profile (JSON Merge Patch)", 400, 401, 413, 415, 429);
        profile.MapPut("", PutAsync).RequireLimit(RequestBudget.Writing).Takes<ProfileChange>()
            .As("profiles.update", "Replace the caller's profile", 400, 401, 413, 415, 429);
    }

    private static async Task<Results<Ok<ProfileView>, ApiError>> GetAsync(
        HttpContext http, Principals principals, SendcatDb db, CancellationToken cancellationToken)
    {
        if (!Owner(principals.Read(http)).TryGet(out var principal, out var refusal))
        {
            return refusal;
        }

        var row = RowOf(principal);
        var profile = await db.Profiles.AsNoTracking().SingleOrDefaultAsync(p => p.SessionId == row, cancellationToken);
        return profile is null ? ApiError.NotFound("No profile yet") : TypedResults.Ok(ProfileView.Of(profile));
    }

    private static async Task<Results<Ok<ProfileView>, ApiError>> PutAsync(
        HttpContext http, Principals principals, SendcatDb db, TimeProvider time, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.ProfileChange, cancellationToken);
        if (!body.TryGet(out var change, out var refusal)
            || !Owner(principals.Read(http, change.SessionId)).TryGet(out var principal, out refusal))
        {
            return refusal;
        }

        var saved = await SaveAsync(db, principal, _ => change, time, cancellationToken);
        return saved.TryGet(out var view, out refusal) ? TypedResults.Ok(view) : refusal;
    }

    private static async Task<Results<Ok<ProfileView>, ApiError>> PatchAsync(
        HttpContext http, Principals principals, SendcatDb db, TimeProvider time, CancellationToken cancellationToken)
    {
        var body = await JsonBody.ReadAsync(http, JsonBody.OrdinaryLimit, IdentityJson.Default.ProfilePatch, cancellationToken);
        if (!body.TryGet(out var patch, out var refusal)
            || !Owner(principals.Read(http, patch.SessionId)).TryGet(out var principal, out refusal))
        {
            return refusal;
        }

        var saved = await SaveAsync(db, principal, patch.Apply, time, cancellationToken);
        return saved.TryGet(out var view, out refusal) ? TypedResults.Ok(view) : refusal;
    }

    private static async Task<Outcome<ProfileView>> SaveAsync(
        SendcatDb db, Principal principal, Func<Profile, Outcome<ProfileChange>> change, TimeProvider time,
        CancellationToken cancellationToken)
    {
        try
        {
            return await TrySaveAsync(db, principal, change, time.GetUtcNow(), cancellationToken);
        }
        catch (DbUpdateException conflict) when (
            conflict.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            // Another request inserted the row first, so it can be updated now.
            db.ChangeTracker.Clear();
            return await TrySaveAsync(db, principal, change, time.GetUtcNow(), cancellationToken);
        }
    }

    /// <summary>Locks the row, so that two changes of different fields do not undo each other.</summary>
    private static async Task<Outcome<ProfileView>> TrySaveAsync(
        SendcatDb db, Principal principal, Func<Profile, Outcome<ProfileChange>> change, DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        var row = RowOf(principal);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var profile = await db.Profiles.FromSql(
            $"""
            -- lock profile
            SELECT * FROM profiles WHERE session_id = {row} FOR UPDATE
            """).SingleOrDefaultAsync(cancellationToken);
        if (profile is null)
        {
            profile = new() { Id = Guid.CreateVersion7(now), SessionId = row, UserId = principal.UserId, CreatedAt = now };
            db.Profiles.Add(profile);
        }

        if (!change(profile).TryGet(out var changed, out var refusal))
        {
            return refusal;
        }

        (profile.FullName, profile.Email, profile.Phone, profile.Gender) = (changed.FullName, changed.Email, changed.Phone, changed.Gender);
        (profile.Dob, profile.Trn, profile.Address) = (changed.Dob, changed.Trn, changed.Address);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return ProfileView.Of(profile);
    }

    /// <summary>
    /// 401 for a guest with an unsigned session: others may guess an id that a browser generated, so it must not protect personal data.
    /// </summary>
    private static Outcome<Principal> Owner(Outcome<Principal> read) =>
        read.TryGet(out var principal, out _) && principal is { UserId: null, HasSignedSession: false }
            ? ApiError.Unauthorized("A profile needs a session id of /api/auth/anonymous, or a user who has signed in")
            : read;

    private static string RowOf(Principal principal) => principal.UserId is { } user ? Profile.RowOf(user) : principal.SessionId!;
}
