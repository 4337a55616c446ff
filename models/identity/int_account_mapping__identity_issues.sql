{#- MAXIMUM_NAMESAKES of the Python model fuzzy_pairs. -#}
{%- set most_namesakes = 20 -%}
with

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}

),

normalized as (

    select * from {{ ref('int_account_mapping__normalized') }}

),

domains as (

    select * from {{ ref('int_account_mapping__domains') }}

),

domain_owners as (

    select * from {{ ref('int_account_mapping__domain_owners') }}
    where owner = 'host'

),

final as (

    select
        case when side = 'ours' then 'accounts' else 'partner accounts' end as source,
        case when side = 'ours' then '' else partner_id || ':' end || account_id as row_key,
        item as problem,
        left(display_name, 100) as detail

    from (
        {{ account_mapping.explode_items(
            'normalized', 'problems', ['side', 'partner_id', 'account_id', 'display_name']
        ) | indent(8) }}

    ) as name_problems

    -- fuzzy pairs compares an account with at most this many partner accounts of one name

    union all

    select
        'partner accounts' as source,
        partner_id || ':' || min(account_id) as row_key,
        'name_of_many' as problem,
        left(min(name), 60) || ' (' || cast(count(*) as {{ dbt.type_string() }}) || ' accounts)' as detail

    from normalized
    where
        side = 'partner'
        and name is not null
    group by partner_id, name_key, name
    having count(*) > {{ most_namesakes }}

    union all

    select
        account_records.source_relation as source,
        account_records.source_account_id as row_key,
        domains.problem,
        left(domains.raw_value, 100) as detail

    from account_records
    inner join domains
        on domains.raw_value in (
            account_records.website, account_records.additional_domains, account_records.email_domain
        )
    where domains.problem is not null

    union all

    select
        partner_records.source,
        partner_records.partner_id || ':' || partner_records.account_id as row_key,
        domains.problem,
        left(domains.raw_value, 100) as detail

    from partner_records
    inner join domains
        on domains.raw_value in (partner_records.website, partner_records.email_domain)
    where domains.problem is not null

    union all

    select
        case when side = 'ours' then 'accounts' else 'partner accounts' end as source,
        case when side = 'ours' then '' else partner_id || ':' end || key_domain as row_key,
        'website_of_many' as problem,
        left(key_domain, 60) || ' (' || cast(n_accounts as {{ dbt.type_string() }}) || ' accounts: '
        || owner_reason || ')' as detail

    from domain_owners

    ---------- settings

)

select * from final
