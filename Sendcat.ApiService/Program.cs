using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Mail;
using Sendcat.ApiService.Threads;

var builder = WebApplication.CreateBuilder(args);
builder.AddDatabase();
builder.Services.AddHttpRules().AddMail().AddIdentity().AddThreads();
builder.Services.AddSingleton(TimeProvider.System);

var app = builder.Build();
app.UseHttpRules();
app.MapIdentity();
app.MapThreads();
app.MapApiDocument();
await app.RunAsync();
