{% macro keys_of(accounts, condition=none) -%}
    {#- A query of the keys, in plain text, that a partner is offered of its rows in model `accounts`, which has
        partner_id, account_id and are_people_shared. condition: which rows. -#}
with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

offered_accounts as (

    select * from {{ ref(accounts) }}
    {%- if condition %}
    where {{ condition }}
    {%- endif %}

),

account_keys as (

    select * from {{ ref('int_account_mapping__account_keys') }}
    where
        side = 'ours'
        and key_type <> 'alias'

),

websites as (

    select distinct account_id from account_keys
    where key_type = 'domain'

),

-- names that many bear are offered together with their place only, and one of common words not beside a website, which
-- tells better whose it is
names_of_many as (

    select normalized.account_id
    from {{ ref('int_account_mapping__normalized') }} as normalized
    left join websites
        on normalized.account_id = websites.account_id
    where
        normalized.side = 'ours'
        and (
            normalized.name_kind in ('person', 'institution')
            or (normalized.name_kind = 'common' and websites.account_id is not null)
        )

),

name_variants as (

    select * from {{ ref('int_account_mapping__name_variants') }}

),

account_people as (

    {{ account_mapping.people_that_count() | indent(4) }}

),

barred_domains as (

    select distinct
        key_domain,
        partner_id

    from {{ ref('int_account_mapping__excluded_domains') }}
    where partner_id <> '*'

),

-- a website that several unlike companies of ours use names none of them
hosts as (

    select key_domain from {{ ref('int_account_mapping__domain_owners') }}
    where
        side = 'ours'
        and owner = 'host'

),

-- the account's own id is hashed too: its token holds the keys of one account together
offered as (

    select
        offered_accounts.partner_id,
        offered_accounts.account_id,
        account_keys.key_type,
        account_keys.key_value,
        cast(null as bigint) as person_number

    from offered_accounts
    inner join account_keys
        on offered_accounts.account_id = account_keys.account_id
    left join barred_domains
        on
            offered_accounts.partner_id = barred_domains.partner_id
            and account_keys.key_type in ('domain', 'email_domain')
            and account_keys.key_value = barred_domains.key_domain
    left join hosts
        on
            account_keys.key_type in ('domain', 'email_domain')
            and account_keys.key_value = hosts.key_domain
    left join names_of_many
        on offered_accounts.account_id = names_of_many.account_id
    where
        barred_domains.key_domain is null
        and hosts.key_domain is null
        and (
            names_of_many.account_id is null
            or account_keys.key_type not like 'name%'
            or account_keys.key_type = 'name_place'
        )

    union all

    select
        partner_id,
        account_id,
        'account' as key_type,
        account_id as key_value,
        cast(null as bigint) as person_number

    from offered_accounts

    union all

    select
        offered_accounts.partner_id,
        offered_accounts.account_id,
        'name_typo' as key_type,
        name_variants.key_value,
        cast(null as bigint) as person_number

    from offered_accounts
    inner join name_variants
        on offered_accounts.account_id = name_variants.account_id
    left join names_of_many
        on offered_accounts.account_id = names_of_many.account_id
    where names_of_many.account_id is null

    union all

    select distinct
        offered_accounts.partner_id,
        offered_accounts.account_id,
        'person' as key_type,
        account_people.email as key_value,
        account_people.person_number

    from offered_accounts
    inner join account_people
        on
            account_people.side = 'ours'
            and offered_accounts.account_id = account_people.account_id
    where offered_accounts.are_people_shared

),

final as (

    select
        offered.partner_id,
        coalesce(partners.agreement_id, '') as agreement_id,
        coalesce(partners.epoch, '') as epoch,
        partners.secret_env,
        offered.account_id,
        offered.key_type,
        offered.key_value,
        offered.person_number

    from offered
    inner join partners
        on offered.partner_id = partners.partner_id

)

select * from final
{%- endmacro %}
