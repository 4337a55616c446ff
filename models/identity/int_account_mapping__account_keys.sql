{%- set name_keys = {'name': 'name_key', 'name_sorted': 'name_sorted', 'name_short': 'name_short'} -%}
{%- set min_initials_length = 6 -%}
{%- set identifiers = {'lei': 'lei', 'duns': 'duns', 'vat_id': 'vat_id', 'linkedin': 'linkedin'} -%}
with

account_domains as (

    select * from {{ ref('int_account_mapping__account_domains') }}

),

normalized as (

    select * from {{ ref('int_account_mapping__normalized') }}

),

name_aliases as (

    select * from {{ ref('int_account_mapping__name_aliases') }}

),

identifiers_of_many as (

    select * from {{ ref('int_account_mapping__identifiers_of_many') }}

),

barred_domains as (

    select distinct
        key_domain,
        partner_id

    from {{ ref('int_account_mapping__excluded_domains') }}

),

-- free-mail, hosting and excluded domains never become keys
usable_domains as (

    select account_domains.*
    from account_domains
    left join barred_domains
        on
            account_domains.key_domain = barred_domains.key_domain
            and (
                barred_domains.partner_id = '*'
                or barred_domains.partner_id = account_domains.partner_id
            )
    where barred_domains.key_domain is null

),

-- first words that names of several companies begin with: with initials they would name none of them
common_first_words as (

    select split_part(name_initials, ' ', 1) as first_word
    from normalized
    where side = 'ours'
    group by split_part(name_initials, ' ', 1)
    having min(name_short) <> max(name_short)

),

aliased as (

    select
        normalized.side,
        normalized.partner_id,
        normalized.account_id,
        normalized.name_key,
        name_aliases.canonical_name

    from normalized
    inner join name_aliases
        on normalized.name_key = name_aliases.name_key

),

-- companies that the accounts call by two names: where there is one only, the name itself is the key
companies_of_two_names as (

    select canonical_name
    from aliased
    group by canonical_name
    having min(name_key) <> max(name_key)

),

final as (

    select distinct
        side,
        partner_id,
        account_id,
        'domain' as key_type,
        key_domain as key_value

    from usable_domains
    where is_website

    union all

    -- mail and web domains together: one side's mail domain may be the other side's website
    select distinct
        side,
        partner_id,
        account_id,
        'email_domain' as key_type,
        key_domain as key_value

    from usable_domains
    {% for key_type, column in name_keys.items() %}
    union all

    select
        side,
        partner_id,
        account_id,
        '{{ key_type }}' as key_type,
        {{ column }} as key_value

    from normalized
    where {{ column }} is not null

    union all

    select
        side,
        partner_id,
        account_id,
        '{{ key_type }}_country' as key_type,
        {{ column }} || '|' || country_code as key_value

    from normalized
    where
        {{ column }} is not null
        and country_code is not null
    {% endfor %}
    {%- for key_type, column in identifiers.items() %}
    union all

    select
        normalized.side,
        normalized.partner_id,
        normalized.account_id,
        '{{ key_type }}' as key_type,
        normalized.{{ column }} as key_value

    from normalized
    left join identifiers_of_many
        on
            normalized.side = identifiers_of_many.side
            and normalized.partner_id = identifiers_of_many.partner_id
            and identifiers_of_many.key_type = '{{ key_type }}'
            and normalized.{{ column }} = identifiers_of_many.key_value
    where
        normalized.{{ column }} is not null
        and identifiers_of_many.key_value is null
    {% endfor %}
    union all

    select
        aliased.side,
        aliased.partner_id,
        aliased.account_id,
        'alias' as key_type,
        aliased.canonical_name as key_value

    from aliased
    inner join companies_of_two_names
        on aliased.canonical_name = companies_of_two_names.canonical_name

    -- keys for partners that send keys only; of a readable list the names themselves are compared
    union all

    select
        side,
        partner_id,
        account_id,
        'name_core' as key_type,
        name_core as key_value

    from normalized
    where
        side = 'ours'
        and name_core is not null

    union all

    select
        side,
        partner_id,
        account_id,
        'name_core_country' as key_type,
        name_core || '|' || country_code as key_value

    from normalized
    where
        side = 'ours'
        and name_core is not null
        and country_code is not null

    -- many persons and institutions have one name: it tells who is meant together with the place only
    union all

    select
        side,
        partner_id,
        account_id,
        'name_place' as key_type,
        name_short || '|' || country_code || '|' || coalesce(state, '') || '|' || coalesce(city, '') as key_value

    from normalized
    where
        side = 'ours'
        and name_kind in ('person', 'institution')
        and country_code is not null
        and coalesce(state, city) is not null

    union all

    select
        normalized.side,
        normalized.partner_id,
        normalized.account_id,
        'name_initials_country' as key_type,
        normalized.name_initials || '|' || normalized.country_code as key_value

    from normalized
    left join common_first_words
        on split_part(normalized.name_initials, ' ', 1) = common_first_words.first_word
    where
        normalized.side = 'ours'
        and normalized.country_code is not null
        and normalized.name_initials like '% %'
        and length(normalized.name_initials) >= {{ min_initials_length }}
        and common_first_words.first_word is null
)

select * from final
