{#- Equal keys of these kinds are taken for the same company where one of our excluded accounts has them. -#}
{%- set telling_keys = ['lei', 'duns', 'vat_id', 'linkedin', 'domain', 'name_sorted'] -%}
with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where side = 'partner'

),

units as (

    select * from {{ ref('int_account_mapping__units') }}
    where side = 'partner'

),

unit_links as (

    select * from {{ ref('int_account_mapping__unit_links') }}

),

links as (

    select * from {{ ref('int_account_mapping__links') }}

),

partner_accounts as (

    select * from {{ ref('int_account_mapping__partner_accounts') }}

),

account_keys as (

    select * from {{ ref('int_account_mapping__account_keys') }}
    where key_type in (
        {% for key_type in telling_keys -%}
        '{{ key_type }}'{{ ',' if not loop.last }}
        {% endfor -%}
    )

),

excluded_accounts as (

    select * from {{ ref('int_account_mapping__excluded_accounts') }}
    where side = 'ours'

),

account_domains as (

    select * from {{ ref('int_account_mapping__account_domains') }}
    where side = 'partner'

),

target_accounts as (

    select * from {{ ref('int_account_mapping__target_accounts') }}

),

domains as (

    select * from {{ ref('int_account_mapping__domains') }}
    where domain is not null

),

domain_aliases as (

    select * from {{ ref('int_account_mapping__domain_aliases') }}
    where relation = 'alias'

),

agreements_in_force as (

    select * from {{ ref('int_account_mapping__agreements_in_force') }}
    where direction = 'in'

),

rollups as (

    select 'account' as rollup
    union all
    select 'parent' as rollup

),

-- accounts that nobody of ours is linked with are shared under `all` in every cell of their status
fully_shared as (

    select
        partner_id,
        partner_status

    from agreements_in_force
    group by partner_id, partner_status
    having min(case when sharing_level = 'all' then 1 else 0 end) = 1

),

-- what we have and exclude we do not lack
excluded_keys as (

    select distinct
        excluded_accounts.for_partner_id,
        account_keys.key_type,
        account_keys.key_value

    from excluded_accounts
    inner join account_keys
        on
            account_keys.side = 'ours'
            and excluded_accounts.account_id = account_keys.account_id

),

-- targets that none of our accounts carries
missing_targets as (

    select distinct
        target_accounts.list_name,
        coalesce(domain_aliases.canonical_domain, domains.domain) as key_domain

    from target_accounts
    inner join domains
        on target_accounts.target_domain = domains.raw_value
    left join domain_aliases
        on domains.domain = domain_aliases.domain
    where target_accounts.account_id is null

),

-- what is known of single partner accounts, by rollup later
traits as (

    select distinct
        account_keys.partner_id,
        account_keys.account_id,
        'excluded' as trait,
        cast(null as {{ dbt.type_string() }}) as target_list

    from account_keys
    inner join excluded_keys
        on
            account_keys.side = 'partner'
            and account_keys.key_type = excluded_keys.key_type
            and account_keys.key_value = excluded_keys.key_value
            and excluded_keys.for_partner_id in ('*', account_keys.partner_id)

    union all

    select distinct
        partner_id,
        partner_account_id as account_id,
        case when decision = 'accepted' then 'family' else 'review' end as trait,
        cast(null as {{ dbt.type_string() }}) as target_list

    from links
    where
        decision = 'review'
        or (decision = 'accepted' and relationship <> 'same')

    union all

    select distinct
        account_domains.partner_id,
        account_domains.account_id,
        'target' as trait,
        missing_targets.list_name as target_list

    from account_domains
    inner join missing_targets
        on account_domains.key_domain = missing_targets.key_domain

),

unit_traits as (

    select distinct
        traits.partner_id,
        rollups.rollup,
        case when rollups.rollup = 'account' then members.account_id else members.unit_id end as unit_id,
        traits.trait,
        traits.target_list

    from traits
    inner join members
        on
            traits.partner_id = members.scope
            and traits.account_id = members.account_id
    cross join rollups

),

judged_units as (

    select
        partner_id,
        rollup,
        unit_id,
        max(case when trait = 'excluded' then 1 else 0 end) as is_excluded,
        max(case when trait = 'family' then 1 else 0 end) as is_family_known,
        max(case when trait = 'review' then 1 else 0 end) as is_in_review,
        {{ account_mapping.list_text('target_list') }} as target_lists

    from unit_traits
    group by partner_id, rollup, unit_id

),

linked_units as (

    select distinct
        partner_id,
        rollup,
        partner_unit_id

    from unit_links

),

lacking as (

    select
        units.scope as partner_id,
        units.rollup,
        units.unit_id as partner_account_id,
        {{ account_mapping.status_of_rank('units.status_rank') }} as partner_status,
        case when units.status_rank = 1 then 1 else 0 end as is_customer,
        coalesce(judged_units.is_family_known, 0) as is_family_known,
        coalesce(judged_units.is_in_review, 0) as is_in_review,
        judged_units.target_lists

    from units
    left join linked_units
        on
            units.scope = linked_units.partner_id
            and units.rollup = linked_units.rollup
            and units.unit_id = linked_units.partner_unit_id
    left join judged_units
        on
            units.scope = judged_units.partner_id
            and units.rollup = judged_units.rollup
            and units.unit_id = judged_units.unit_id
    where
        linked_units.partner_unit_id is null
        and coalesce(judged_units.is_excluded, 0) = 0

),

-- a family is told by its ultimate parent's record
described as (

    select
        lacking.*,
        partner_accounts.name,
        partner_accounts.domains,
        partner_accounts.country_code,
        partner_accounts.country,
        {{ account_mapping.spreadsheet_safe('partner_accounts.owner') }} as owner,
        {{ account_mapping.spreadsheet_safe('partner_accounts.segment') }} as segment

    from lacking
    inner join partner_accounts
        on
            lacking.partner_id = partner_accounts.partner_id
            and lacking.partner_account_id = partner_accounts.account_id

),

listed as (

    select described.*
    from described
    inner join partners
        on described.partner_id = partners.partner_id
    left join fully_shared
        on
            described.partner_id = fully_shared.partner_id
            and described.partner_status = fully_shared.partner_status
    where
        partners.exchange = 'list'
        or (fully_shared.partner_id is not null and described.name is not null)

),

by_segment as (

    select
        partner_id,
        rollup,
        segment,
        count(*) as accounts,
        sum(is_customer) as customer_accounts,
        sum(is_in_review) as in_review_accounts,
        sum(is_family_known) as family_known_accounts

    from described
    group by partner_id, rollup, segment

),

by_target as (

    select
        described.partner_id,
        described.rollup,
        unit_traits.target_list,
        count(*) as accounts,
        sum(described.is_customer) as customer_accounts,
        sum(described.is_in_review) as in_review_accounts,
        sum(described.is_family_known) as family_known_accounts

    from described
    inner join unit_traits
        on
            described.partner_id = unit_traits.partner_id
            and described.rollup = unit_traits.rollup
            and described.partner_account_id = unit_traits.unit_id
            and unit_traits.trait = 'target'
    group by described.partner_id, described.rollup, unit_traits.target_list

),

target_lists as (

    select distinct list_name from target_accounts

),

partners_with_accounts as (

    select distinct scope as partner_id from members

),

-- nothing has come from a partner, or nothing that a target could be found by: unknown, not zero
told as (

    select
        partners.partner_id,
        rollups.rollup,
        partners_with_accounts.partner_id is not null as has_accounts,
        partners_with_accounts.partner_id is not null and partners.exchange = 'list' as has_domains

    from partners
    cross join rollups
    left join partners_with_accounts
        on partners.partner_id = partners_with_accounts.partner_id

),

unioned as (

    select
        partner_id,
        rollup,
        'accounts' as whitespace_level,
        segment,
        target_lists as target_list,
        partner_account_id,
        name as partner_account_name,
        domains,
        country_code,
        country,
        partner_status,
        owner as partner_owner,
        1 as accounts,
        is_customer as customer_accounts,
        is_in_review as in_review_accounts,
        is_family_known as family_known_accounts,
        'counted' as cell_state

    from listed

    union all

    select
        told.partner_id,
        told.rollup,
        'segments' as whitespace_level,
        by_segment.segment,
        cast(null as {{ dbt.type_string() }}) as target_list,
        cast(null as {{ dbt.type_string() }}) as partner_account_id,
        cast(null as {{ dbt.type_string() }}) as partner_account_name,
        cast(null as {{ dbt.type_string() }}) as domains,
        cast(null as {{ dbt.type_string() }}) as country_code,
        cast(null as {{ dbt.type_string() }}) as country,
        cast(null as {{ dbt.type_string() }}) as partner_status,
        cast(null as {{ dbt.type_string() }}) as partner_owner,
        case when told.has_accounts then coalesce(by_segment.accounts, 0) end as accounts,
        case when told.has_accounts then coalesce(by_segment.customer_accounts, 0) end as customer_accounts,
        case when told.has_accounts then coalesce(by_segment.in_review_accounts, 0) end as in_review_accounts,
        case when told.has_accounts then coalesce(by_segment.family_known_accounts, 0) end as family_known_accounts,
        case when told.has_accounts then 'counted' else 'not_shared' end as cell_state

    from told
    left join by_segment
        on
            told.partner_id = by_segment.partner_id
            and told.rollup = by_segment.rollup

    union all

    select
        told.partner_id,
        told.rollup,
        'targets' as whitespace_level,
        cast(null as {{ dbt.type_string() }}) as segment,
        target_lists.list_name as target_list,
        cast(null as {{ dbt.type_string() }}) as partner_account_id,
        cast(null as {{ dbt.type_string() }}) as partner_account_name,
        cast(null as {{ dbt.type_string() }}) as domains,
        cast(null as {{ dbt.type_string() }}) as country_code,
        cast(null as {{ dbt.type_string() }}) as country,
        cast(null as {{ dbt.type_string() }}) as partner_status,
        cast(null as {{ dbt.type_string() }}) as partner_owner,
        case when told.has_domains then coalesce(by_target.accounts, 0) end as accounts,
        case when told.has_domains then coalesce(by_target.customer_accounts, 0) end as customer_accounts,
        case when told.has_domains then coalesce(by_target.in_review_accounts, 0) end as in_review_accounts,
        case when told.has_domains then coalesce(by_target.family_known_accounts, 0) end as family_known_accounts,
        case when told.has_domains then 'counted' else 'not_shared' end as cell_state

    from told
    cross join target_lists
    left join by_target
        on
            told.partner_id = by_target.partner_id
            and told.rollup = by_target.rollup
            and target_lists.list_name = by_target.target_list

),

final as (

    select
        partner_id,
        rollup,
        whitespace_level,
        segment,
        target_list,
        partner_account_id,
        partner_account_name,
        domains,
        country_code,
        country,
        partner_status,
        partner_owner,
        {% for measure in ['accounts', 'customer_accounts', 'in_review_accounts', 'family_known_accounts'] -%}
        cast({{ measure }} as bigint) as {{ measure }},
        {% endfor -%}
        cell_state

    from unioned

)

select * from final
