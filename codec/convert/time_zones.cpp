// Came from: calendar.cpp. A table and no files of the system, since codec is pure; rules as tzdata 2025 has them for the years to come.
// Zones whose rules follow the moon (Africa/Casablanca, Asia/Gaza) are not in it. tests/unit/codec/convert/time_zones_test.cpp compares it
// with the system's.
#include "codec/convert/time_zones.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace pushmail::convert {
namespace {

/// When clocks are set: on the n-th weekday of a month (5: the last), at so many minutes of the clock that is left.
struct Change {
  std::uint8_t month = 0;  // 0: never
  std::uint8_t nth = 0;
  std::uint8_t weekday = 0;  // 0 Sunday
  std::int16_t minutes = 0;  // may be before midnight, or on the next day
};
struct Zone {
  std::int16_t standard_minutes;  // before UTC
  std::int16_t saving_minutes;    // more in summer
  Change begin, end;              // of summer time
  std::string_view names;         // divided by blanks
};
constexpr auto zones = std::to_array<Zone>({
    {-720, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Etc/GMT+12"},
    {-660, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Etc/GMT+11 Pacific/Midway Pacific/Niue Pacific/Pago_Pago Pacific/Samoa US/Samoa"},
    {-600, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Etc/GMT+10 HST Pacific/Honolulu Pacific/Johnston Pacific/Rarotonga Pacific/Tahiti US/Hawaii"},
    {-600, 60, {3, 2, 0, 120}, {11, 1, 0, 120}, "America/Adak America/Atka US/Aleutian"},
    {-570, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Pacific/Marquesas"},
    {-540, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Etc/GMT+9 Pacific/Gambier"},
    {-540,
     60,
     {3, 2, 0, 120},
     {11, 1, 0, 120},
     "America/Anchorage America/Juneau America/Metlakatla America/Nome America/Sitka America/Yakutat US/Alaska"},
    {-480, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Etc/GMT+8 Pacific/Pitcairn"},
    {-480,
     60,
     {3, 2, 0, 120},
     {11, 1, 0, 120},
     "America/Ensenada America/Los_Angeles America/Santa_Isabel America/Tijuana America/Vancouver Canada/Pacific Mexico/BajaNorte PST8PDT "
     "US/Pacific"},
    {-420,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "America/Creston America/Dawson America/Dawson_Creek America/Fort_Nelson America/Hermosillo America/Mazatlan America/Phoenix "
     "America/Whitehorse Canada/Yukon Etc/GMT+7 MST Mexico/BajaSur US/Arizona"},
    {-420,
     60,
     {3, 2, 0, 120},
     {11, 1, 0, 120},
     "America/Boise America/Cambridge_Bay America/Ciudad_Juarez America/Denver America/Edmonton America/Inuvik America/Shiprock "
     "America/Yellowknife Canada/Mountain MST7MDT Navajo US/Mountain"},
    {-360,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "America/Bahia_Banderas America/Belize America/Chihuahua America/Costa_Rica America/El_Salvador America/Guatemala America/Managua "
     "America/Merida America/Mexico_City America/Monterrey America/Regina America/Swift_Current America/Tegucigalpa Canada/Saskatchewan "
     "Etc/GMT+6 "
     "Mexico/General Pacific/Galapagos"},
    {-360,
     60,
     {3, 2, 0, 120},
     {11, 1, 0, 120},
     "America/Chicago America/Indiana/Knox America/Indiana/Tell_City America/Knox_IN America/Matamoros America/Menominee "
     "America/North_Dakota/Beulah America/North_Dakota/Center America/North_Dakota/New_Salem America/Ojinaga America/Rainy_River "
     "America/Rankin_Inlet America/Resolute America/Winnipeg CST6CDT Canada/Central US/Central US/Indiana-Starke"},
    {-360, 60, {9, 1, 6, 1320}, {4, 1, 6, 1320}, "Chile/EasterIsland Pacific/Easter"},
    {-300,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "America/Atikokan America/Bogota America/Cancun America/Cayman America/Coral_Harbour America/Eirunepe America/Guayaquil "
     "America/Jamaica "
     "America/Lima America/Panama America/Porto_Acre America/Rio_Branco Brazil/Acre EST Etc/GMT+5 Jamaica"},
    {-300, 60, {3, 2, 0, 0}, {11, 1, 0, 60}, "America/Havana Cuba"},
    {-300,
     60,
     {3, 2, 0, 120},
     {11, 1, 0, 120},
     "America/Detroit America/Fort_Wayne America/Grand_Turk America/Indiana/Indianapolis America/Indiana/Marengo "
     "America/Indiana/Petersburg "
     "America/Indiana/Vevay America/Indiana/Vincennes America/Indiana/Winamac America/Indianapolis America/Iqaluit "
     "America/Kentucky/Louisville "
     "America/Kentucky/Monticello America/Louisville America/Montreal America/Nassau America/New_York America/Nipigon America/Pangnirtung "
     "America/Port-au-Prince America/Thunder_Bay America/Toronto Canada/Eastern EST5EDT US/East-Indiana US/Eastern US/Michigan"},
    {-240,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "America/Anguilla America/Antigua America/Aruba America/Barbados America/Blanc-Sablon America/Boa_Vista America/Campo_Grande "
     "America/Caracas "
     "America/Cuiaba America/Curacao America/Dominica America/Grenada America/Guadeloupe America/Guyana America/Kralendijk America/La_Paz "
     "America/Lower_Princes America/Manaus America/Marigot America/Martinique America/Montserrat America/Port_of_Spain America/Porto_Velho "
     "America/Puerto_Rico America/Santo_Domingo America/St_Barthelemy America/St_Kitts America/St_Lucia America/St_Thomas "
     "America/St_Vincent "
     "America/Tortola America/Virgin Brazil/West Etc/GMT+4"},
    {-240,
     60,
     {3, 2, 0, 120},
     {11, 1, 0, 120},
     "America/Glace_Bay America/Goose_Bay America/Halifax America/Moncton America/Thule Atlantic/Bermuda Canada/Atlantic"},
    {-240, 60, {9, 1, 6, 1440}, {4, 1, 6, 1440}, "America/Santiago Chile/Continental"},
    {-210, 60, {3, 2, 0, 120}, {11, 1, 0, 120}, "America/St_Johns Canada/Newfoundland"},
    {-180,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "America/Araguaina America/Argentina/Buenos_Aires America/Argentina/Catamarca America/Argentina/ComodRivadavia "
     "America/Argentina/Cordoba "
     "America/Argentina/Jujuy America/Argentina/La_Rioja America/Argentina/Mendoza America/Argentina/Rio_Gallegos America/Argentina/Salta "
     "America/Argentina/San_Juan America/Argentina/San_Luis America/Argentina/Tucuman America/Argentina/Ushuaia America/Asuncion "
     "America/Bahia "
     "America/Belem America/Buenos_Aires America/Catamarca America/Cayenne America/Cordoba America/Coyhaique America/Fortaleza "
     "America/Jujuy "
     "America/Maceio America/Mendoza America/Montevideo America/Paramaribo America/Punta_Arenas America/Recife America/Rosario "
     "America/Santarem "
     "America/Sao_Paulo Antarctica/Palmer Antarctica/Rothera Atlantic/Stanley Brazil/East Etc/GMT+3"},
    {-180, 60, {3, 2, 0, 120}, {11, 1, 0, 120}, "America/Miquelon"},
    {-120, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "America/Noronha Atlantic/South_Georgia Brazil/DeNoronha Etc/GMT+2"},
    {-120, 60, {3, 5, 0, -60}, {10, 5, 0, 0}, "America/Godthab America/Nuuk America/Scoresbysund"},
    {-60, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Atlantic/Cape_Verde Etc/GMT+1"},
    {-60, 60, {3, 5, 0, 0}, {10, 5, 0, 60}, "Atlantic/Azores"},
    {0,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "Africa/Abidjan Africa/Accra Africa/Bamako Africa/Banjul Africa/Bissau Africa/Conakry Africa/Dakar Africa/Freetown Africa/Lome "
     "Africa/Monrovia Africa/Nouakchott Africa/Ouagadougou Africa/Sao_Tome Africa/Timbuktu America/Danmarkshavn Atlantic/Reykjavik "
     "Atlantic/St_Helena Etc/GMT Etc/GMT+0 Etc/GMT-0 Etc/GMT0 Etc/Greenwich Etc/UCT Etc/UTC Etc/Universal Etc/Zulu GMT GMT+0 GMT-0 GMT0 "
     "Greenwich "
     "Iceland UCT UTC Universal Zulu"},
    {0,
     60,
     {3, 5, 0, 60},
     {10, 5, 0, 120},
     "Atlantic/Canary Atlantic/Faeroe Atlantic/Faroe Atlantic/Madeira Eire Europe/Belfast Europe/Dublin Europe/Guernsey Europe/Isle_of_Man "
     "Europe/Jersey Europe/Lisbon Europe/London GB GB-Eire Portugal WET"},
    {0, 120, {3, 5, 0, 60}, {10, 5, 0, 180}, "Antarctica/Troll"},
    {60,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "Africa/Algiers Africa/Bangui Africa/Brazzaville Africa/Douala Africa/Kinshasa Africa/Lagos Africa/Libreville Africa/Luanda "
     "Africa/Malabo "
     "Africa/Ndjamena Africa/Niamey Africa/Porto-Novo Africa/Tunis Etc/GMT-1"},
    {60,
     60,
     {3, 5, 0, 120},
     {10, 5, 0, 180},
     "Africa/Ceuta Arctic/Longyearbyen Atlantic/Jan_Mayen CET Europe/Amsterdam Europe/Andorra Europe/Belgrade Europe/Berlin "
     "Europe/Bratislava "
     "Europe/Brussels Europe/Budapest Europe/Busingen Europe/Copenhagen Europe/Gibraltar Europe/Ljubljana Europe/Luxembourg Europe/Madrid "
     "Europe/Malta Europe/Monaco Europe/Oslo Europe/Paris Europe/Podgorica Europe/Prague Europe/Rome Europe/San_Marino Europe/Sarajevo "
     "Europe/Skopje Europe/Stockholm Europe/Tirane Europe/Vaduz Europe/Vatican Europe/Vienna Europe/Warsaw Europe/Zagreb Europe/Zurich MET "
     "Poland"},
    {120,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "Africa/Blantyre Africa/Bujumbura Africa/Gaborone Africa/Harare Africa/Johannesburg Africa/Juba Africa/Khartoum Africa/Kigali "
     "Africa/Lubumbashi Africa/Lusaka Africa/Maputo Africa/Maseru Africa/Mbabane Africa/Tripoli Africa/Windhoek Etc/GMT-2 "
     "Europe/Kaliningrad "
     "Libya"},
    {120, 60, {3, 4, 4, 1560}, {10, 5, 0, 120}, "Asia/Jerusalem Asia/Tel_Aviv Israel"},
    {120, 60, {3, 5, 0, 0}, {10, 5, 0, 0}, "Asia/Beirut"},
    {120, 60, {3, 5, 0, 120}, {10, 5, 0, 180}, "Europe/Chisinau Europe/Tiraspol"},
    {120,
     60,
     {3, 5, 0, 180},
     {10, 5, 0, 240},
     "Asia/Famagusta Asia/Nicosia EET Europe/Athens Europe/Bucharest Europe/Helsinki Europe/Kiev Europe/Kyiv Europe/Mariehamn "
     "Europe/Nicosia "
     "Europe/Riga Europe/Sofia Europe/Tallinn Europe/Uzhgorod Europe/Vilnius Europe/Zaporozhye"},
    {120, 60, {4, 5, 5, 0}, {10, 5, 4, 1440}, "Africa/Cairo Egypt"},
    {180,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "Africa/Addis_Ababa Africa/Asmara Africa/Asmera Africa/Dar_es_Salaam Africa/Djibouti Africa/Kampala Africa/Mogadishu Africa/Nairobi "
     "Antarctica/Syowa Asia/Aden Asia/Amman Asia/Baghdad Asia/Bahrain Asia/Damascus Asia/Istanbul Asia/Kuwait Asia/Qatar Asia/Riyadh "
     "Etc/GMT-3 "
     "Europe/Istanbul Europe/Kirov Europe/Minsk Europe/Moscow Europe/Simferopol Europe/Volgograd Indian/Antananarivo Indian/Comoro "
     "Indian/Mayotte "
     "Turkey W-SU"},
    {210, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Asia/Tehran Iran"},
    {240,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "Asia/Baku Asia/Dubai Asia/Muscat Asia/Tbilisi Asia/Yerevan Etc/GMT-4 Europe/Astrakhan Europe/Samara Europe/Saratov Europe/Ulyanovsk "
     "Indian/Mahe Indian/Mauritius Indian/Reunion"},
    {270, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Asia/Kabul"},
    {300,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "Antarctica/Mawson Antarctica/Vostok Asia/Almaty Asia/Aqtau Asia/Aqtobe Asia/Ashgabat Asia/Ashkhabad Asia/Atyrau Asia/Dushanbe "
     "Asia/Karachi "
     "Asia/Oral Asia/Qostanay Asia/Qyzylorda Asia/Samarkand Asia/Tashkent Asia/Yekaterinburg Etc/GMT-5 Indian/Kerguelen Indian/Maldives"},
    {330, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Asia/Calcutta Asia/Colombo Asia/Kolkata"},
    {345, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Asia/Kathmandu Asia/Katmandu"},
    {360,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "Asia/Bishkek Asia/Dacca Asia/Dhaka Asia/Kashgar Asia/Omsk Asia/Thimbu Asia/Thimphu Asia/Urumqi Etc/GMT-6 Indian/Chagos"},
    {390, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Asia/Rangoon Asia/Yangon Indian/Cocos"},
    {420,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "Antarctica/Davis Asia/Bangkok Asia/Barnaul Asia/Ho_Chi_Minh Asia/Hovd Asia/Jakarta Asia/Krasnoyarsk Asia/Novokuznetsk "
     "Asia/Novosibirsk "
     "Asia/Phnom_Penh Asia/Pontianak Asia/Saigon Asia/Tomsk Asia/Vientiane Etc/GMT-7 Indian/Christmas"},
    {480,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "Antarctica/Casey Asia/Brunei Asia/Choibalsan Asia/Chongqing Asia/Chungking Asia/Harbin Asia/Hong_Kong Asia/Irkutsk Asia/Kuala_Lumpur "
     "Asia/Kuching Asia/Macao Asia/Macau Asia/Makassar Asia/Manila Asia/Shanghai Asia/Singapore Asia/Taipei Asia/Ujung_Pandang "
     "Asia/Ulaanbaatar "
     "Asia/Ulan_Bator Australia/Perth Australia/West Etc/GMT-8 Hongkong PRC ROC Singapore"},
    {525, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Australia/Eucla"},
    {540,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "Asia/Chita Asia/Dili Asia/Jayapura Asia/Khandyga Asia/Pyongyang Asia/Seoul Asia/Tokyo Asia/Yakutsk Etc/GMT-9 Japan Pacific/Palau "
     "ROK"},
    {570, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Australia/Darwin Australia/North"},
    {570, 60, {10, 1, 0, 120}, {4, 1, 0, 180}, "Australia/Adelaide Australia/Broken_Hill Australia/South Australia/Yancowinna"},
    {600,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "Antarctica/DumontDUrville Asia/Ust-Nera Asia/Vladivostok Australia/Brisbane Australia/Lindeman Australia/Queensland Etc/GMT-10 "
     "Pacific/Chuuk Pacific/Guam Pacific/Port_Moresby Pacific/Saipan Pacific/Truk Pacific/Yap"},
    {600,
     60,
     {10, 1, 0, 120},
     {4, 1, 0, 180},
     "Antarctica/Macquarie Australia/ACT Australia/Canberra Australia/Currie Australia/Hobart Australia/Melbourne Australia/NSW "
     "Australia/Sydney "
     "Australia/Tasmania Australia/Victoria"},
    {630, 30, {10, 1, 0, 120}, {4, 1, 0, 120}, "Australia/LHI Australia/Lord_Howe"},
    {660,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "Asia/Magadan Asia/Sakhalin Asia/Srednekolymsk Etc/GMT-11 Pacific/Bougainville Pacific/Efate Pacific/Guadalcanal Pacific/Kosrae "
     "Pacific/Noumea Pacific/Pohnpei Pacific/Ponape"},
    {660, 60, {10, 1, 0, 120}, {4, 1, 0, 180}, "Pacific/Norfolk"},
    {720,
     0,
     {0, 0, 0, 0},
     {0, 0, 0, 0},
     "Asia/Anadyr Asia/Kamchatka Etc/GMT-12 Kwajalein Pacific/Fiji Pacific/Funafuti Pacific/Kwajalein Pacific/Majuro Pacific/Nauru "
     "Pacific/Tarawa "
     "Pacific/Wake Pacific/Wallis"},
    {720, 60, {9, 5, 0, 120}, {4, 1, 0, 180}, "Antarctica/McMurdo Antarctica/South_Pole NZ Pacific/Auckland"},
    {765, 60, {9, 5, 0, 165}, {4, 1, 0, 225}, "NZ-CHAT Pacific/Chatham"},
    {780, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Etc/GMT-13 Pacific/Apia Pacific/Enderbury Pacific/Fakaofo Pacific/Kanton Pacific/Tongatapu"},
    {840, 0, {0, 0, 0, 0}, {0, 0, 0, 0}, "Etc/GMT-14 Pacific/Kiritimati"},
});

const Zone* find_zone(std::string_view name) {
  if (name.empty() || name.find(' ') != std::string_view::npos) return nullptr;
  const auto has_name = [&](const Zone& zone) {
    for (std::size_t at = zone.names.find(name); at != std::string_view::npos; at = zone.names.find(name, at + 1)) {
      const std::size_t end = at + name.size();
      if ((at == 0 || zone.names[at - 1] == ' ') && (end == zone.names.size() || zone.names[end] == ' ')) return true;
    }
    return false;
  };
  const auto found = std::find_if(zones.begin(), zones.end(), has_name);
  return found == zones.end() ? nullptr : &*found;
}

/// Seconds since 1970 on the clock that is left.
std::int64_t moment(const Change& change, int year) {
  using namespace std::chrono;
  const auto month_of_year = std::chrono::year(year) / std::chrono::month(change.month);
  const sys_days day = change.nth == 5 ? sys_days(month_of_year / weekday(change.weekday)[last])
                                       : sys_days(month_of_year / weekday(change.weekday)[change.nth]);
  return std::int64_t{day.time_since_epoch().count()} * 86'400 + change.minutes * 60;
}

int year_of(std::int64_t seconds) {
  using namespace std::chrono;
  const std::int64_t days_since = seconds / 86'400 - (seconds % 86'400 < 0 ? 1 : 0);
  return static_cast<int>(year_month_day(sys_days(days(days_since))).year());
}

bool is_summer(const Zone& zone, std::int64_t utc_seconds) {
  const int year = year_of(utc_seconds + zone.standard_minutes * 60);
  const std::int64_t begin = moment(zone.begin, year) - zone.standard_minutes * 60;
  const std::int64_t end = moment(zone.end, year) - (zone.standard_minutes + zone.saving_minutes) * 60;
  // South of the equator summer runs over the end of the year.
  return begin < end ? utc_seconds >= begin && utc_seconds < end : utc_seconds >= begin || utc_seconds < end;
}

std::int32_t offset_in(const Zone& zone, std::int64_t utc_seconds) {
  const bool is_later = zone.begin.month != 0 && is_summer(zone, utc_seconds);
  return (zone.standard_minutes + (is_later ? zone.saving_minutes : 0)) * 60;
}

}  // namespace

std::optional<std::int32_t> zone_offset(std::string_view name, std::int64_t utc_seconds) {
  const Zone* zone = find_zone(name);
  if (zone == nullptr) return std::nullopt;
  return offset_in(*zone, utc_seconds);
}

std::optional<std::int32_t> zone_offset_at_wall(std::string_view name, std::int64_t wall_seconds) {
  const Zone* zone = find_zone(name);
  if (zone == nullptr) return std::nullopt;
  const std::int32_t summer = (zone->standard_minutes + zone->saving_minutes) * 60;
  return offset_in(*zone, wall_seconds - summer) == summer ? summer : zone->standard_minutes * 60;
}

}  // namespace pushmail::convert
