#include "codec/scan/everyday.h"

#include <algorithm>
#include <array>

namespace pushmail::scan {

namespace {

// The words that a business day's mail in English is made of, sorted.
constexpr std::array<std::string_view, 440> everyday_words{
    "about",     "account",  "accounts", "action",     "address",   "after",     "again",       "agree",     "agreement", "all",
    "also",      "always",   "amount",   "and",        "annual",    "answer",    "any",         "april",     "are",       "area",
    "around",    "asked",    "attached", "attachment", "august",    "available", "back",        "balance",   "bank",      "because",
    "been",      "before",   "below",    "best",       "better",    "between",   "bill",        "board",     "book",      "both",
    "bring",     "budget",   "business", "but",        "buy",       "call",      "came",        "can",       "card",      "case",
    "cash",      "change",   "changes",  "check",      "click",     "client",    "close",       "code",      "come",      "comment",
    "company",   "complete", "confirm",  "contact",    "contract",  "copy",      "cost",        "costs",     "could",     "country",
    "course",    "credit",   "customer", "customers",  "data",      "date",      "day",         "days",      "deal",      "dear",
    "december",  "decision", "delivery", "department", "design",    "detail",    "details",     "did",       "different", "discount",
    "discuss",   "document", "does",     "done",       "down",      "draft",     "due",         "during",    "each",      "early",
    "email",     "end",      "english",  "error",      "even",      "event",     "every",       "example",   "expect",    "family",
    "february",  "feedback", "few",      "file",       "final",     "find",      "first",       "following", "for",       "form",
    "forward",   "free",     "friday",   "friend",     "from",      "full",      "further",     "game",      "general",   "get",
    "give",      "going",    "good",     "great",      "group",     "had",       "hand",        "happy",     "has",       "have",
    "head",      "hello",    "help",     "here",       "high",      "his",       "holiday",     "home",      "hope",      "hours",
    "house",     "how",      "however",  "idea",       "important", "include",   "information", "inside",    "interest",  "internet",
    "into",      "invoice",  "issue",    "issues",     "january",   "job",       "july",        "june",      "just",      "keep",
    "kind",      "know",     "last",     "later",      "least",     "leave",     "less",        "let",       "letter",    "level",
    "line",      "link",     "list",     "little",     "local",     "long",      "look",        "lunch",     "made",      "mail",
    "main",      "make",     "manager",  "many",       "march",     "market",    "matter",      "may",       "meeting",   "member",
    "message",   "might",    "minutes",  "monday",     "money",     "month",     "months",      "more",      "morning",   "most",
    "move",      "much",     "must",     "name",       "near",      "need",      "never",       "new",       "news",      "next",
    "night",     "note",     "nothing",  "november",   "now",       "number",    "october",     "off",       "offer",     "office",
    "official",  "often",    "old",      "once",       "one",       "online",    "only",        "open",      "option",    "order",
    "orders",    "other",    "our",      "out",        "over",      "own",       "package",     "page",      "paid",      "paper",
    "part",      "party",    "password", "pay",        "payment",   "people",    "period",      "person",    "phone",     "place",
    "plan",      "planning", "please",   "point",      "policy",    "possible",  "post",        "present",   "price",     "problem",
    "process",   "product",  "program",  "project",    "proposal",  "provide",   "public",      "purchase",  "put",       "question",
    "questions", "quick",    "rate",     "read",       "ready",     "really",    "reason",      "receive",   "received",  "regards",
    "regular",   "release",  "remember", "reply",      "report",    "request",   "required",    "response",  "rest",      "result",
    "return",    "review",   "right",    "room",       "said",      "sale",      "sales",       "same",      "saturday",  "save",
    "schedule",  "school",   "season",   "second",     "secure",    "security",  "see",         "send",      "sent",      "september",
    "series",    "service",  "set",      "several",    "shall",     "share",     "she",         "short",     "should",    "show",
    "side",      "sign",     "simple",   "since",      "site",      "small",     "some",        "something", "soon",      "sorry",
    "special",   "staff",    "standard", "start",      "statement", "status",    "still",       "street",    "subject",   "such",
    "sunday",    "support",  "sure",     "system",     "table",     "take",      "talk",        "team",      "tell",      "term",
    "test",      "than",     "thank",    "thanks",     "that",      "the",       "their",       "them",      "then",      "there",
    "these",     "they",     "thing",    "things",     "think",     "this",      "those",       "three",     "through",   "thursday",
    "ticket",    "time",     "today",    "together",   "told",      "tomorrow",  "total",       "training",  "travel",    "tuesday",
    "two",       "under",    "until",    "update",     "upon",      "use",       "user",        "using",     "value",     "very",
    "view",      "visit",    "wait",     "want",       "was",       "water",     "way",         "web",       "wednesday", "week",
    "weekend",   "weeks",    "welcome",  "well",       "went",      "were",      "what",        "when",      "where",     "which",
    "while",     "who",      "will",     "wish",       "with",      "within",    "without",     "word",      "work",      "working",
    "world",     "would",    "write",    "year",       "years",     "yes",       "yesterday",   "yet",       "you",       "your"};
static_assert(std::is_sorted(everyday_words.begin(), everyday_words.end()));

}  // namespace

bool is_everyday(std::string_view word) { return std::binary_search(everyday_words.begin(), everyday_words.end(), word); }

}  // namespace pushmail::scan
