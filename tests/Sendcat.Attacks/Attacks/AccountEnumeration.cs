using Sendcat.Attacks.Callers;
using Sendcat.Attacks.Target;

namespace Sendcat.Attacks.Attacks;

/// <summary>
/// Tries to find out which accounts exist, to lock their owners out, and to adopt the threads of a guest at registration.
/// </summary>
internal sealed class AccountEnumeration : Attack
{
    private const string Password = "a good password 1";
    private const string WrongPassword = "a wrong password 1";

    /// <summary>The wrong passwords that one address may try for one account.</summary>
    private const int Attempts = 5;

    public override byte Number => 15;

    public override string Title => "existing accounts are detected and locked";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var (known, unknown) = (AttackedSystem.NewEmail(), AttackedSystem.NewEmail());
        using var owner = await run.System.From(Address(0)).AsUserAsync(known, Password, cancellationToken);
        var attacker = run.From(Address(1));

        foreach (var (path, body) in new (string, Func<string, object>)[]
        {
            ("/api/auth/register", email => new { email, password = Password }),
            ("/api/auth/forgot-password", email => new { email }),
        })
        {
            var (taken, free) = (
                await attacker.PostAsync(path, body(known), cancellationToken),
                await attacker.PostAsync(path, body(AttackedSystem.NewEmail()), cancellationToken));
            run.Check(
                taken.Status == free.Status && taken.Text.Length == free.Text.Length,
                $"{path} gives the same response for known and unknown addresses", $"{taken} / {free}");
        }

        for (var n = 0; n <= Attempts; n++)
        {
            var (existing, missing) = (
                await SignInAsync(attacker, known, WrongPassword), await SignInAsync(attacker, unknown, WrongPassword));
            run.Check(
                (existing.Status, existing.Code, existing.Text.Length) == (missing.Status, missing.Code, missing.Text.Length),
                $"attempt {n + 1} does not reveal whether the account exists", $"{existing} / {missing}");
            run.Check(
                existing.Status == (n < Attempts ? 401 : 429) && (existing.Status == 401 || existing.HasRetryAfter),
                $"attempt {n + 1} is counted", existing);
        }

        var locked = await SignInAsync(attacker, known, Password);
        run.Check(locked is { Status: 429, HasRetryAfter: true }, "the attacker is refused, even with the correct password", locked);
        var signedIn = await SignInAsync(owner, known, Password);
        run.Check(signedIn.Status == 200, "the owner can sign in", signedIn);

        await AdoptionAsync(run, cancellationToken);

        Task<ApiResponse> SignInAsync(Caller caller, string email, string password) =>
            caller.PostAsync("/api/auth/login", new { email, password }, cancellationToken);
    }

    private async Task AdoptionAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var guest = await run.GuestAsync(Address(2), cancellationToken);
        var thread = await guest.NewThreadAsync(cancellationToken);
        (await run.From(Address(1)).PostAsync(
            "/api/auth/register", new { email = AttackedSystem.NewEmail(), password = Password, sessionId = guest.Session },
            cancellationToken)).EnsureSuccess();
        var after = await guest.GetAsync($"/api/threads/{thread}", cancellationToken);
        run.Check(after.Status == 200, "a registration adopts no threads", after);
    }
}
