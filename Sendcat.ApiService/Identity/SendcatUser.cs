using Microsoft.AspNetCore.Identity;

namespace Sendcat.ApiService.Identity;

/// <summary>A registered user. The id is a UUIDv7 in text form, the <c>sub</c> of access tokens.</summary>
internal sealed class SendcatUser : IdentityUser
{
    public DateTimeOffset CreatedAt { get; init; }
}
