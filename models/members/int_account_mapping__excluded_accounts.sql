with

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

account_statuses as (

    select * from {{ ref('int_account_mapping__account_statuses') }}

),

account_spellings as (

    select * from {{ ref('int_account_mapping__account_spellings') }}

),

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}

),

partner_statuses as (

    select * from {{ ref('int_account_mapping__partner_statuses') }}

),

account_domains as (

    select * from {{ ref('int_account_mapping__account_domains') }}
    where is_website

),

excluded_domains as (

    select * from {{ ref('int_account_mapping__excluded_domains') }}
    where not is_key_only

),

{% if account_mapping.leads_mode() == 'records' -%}
lead_domains as (

    select * from {{ ref('int_account_mapping__lead_domains') }}
    where finding = 'free_mail'

),

keyed_accounts as (

    select distinct account_id from {{ ref('int_account_mapping__account_keys') }}
    where side = 'ours'

),

free_mail_leads as (

    select distinct account_records.account_id

    from account_records
    inner join lead_domains
        on account_records.account_id = lead_domains.source_relation || ':' || lead_domains.source_lead_id
    left join keyed_accounts
        on account_records.account_id = keyed_accounts.account_id
    where keyed_accounts.account_id is null

),

{% endif -%}
exclusions as (

    select
        *,
        lower(trim(exclusion_value)) as folded_value

    from {{ ref('stg_account_mapping__settings_exclusions') }}

),

excluded as (

    -- ours: `for_partner_id` is the partner on whose numbers the exclusion acts
    select
        account_domains.side,
        excluded_domains.partner_id as for_partner_id,
        account_domains.account_id,
        excluded_domains.reason

    from account_domains
    inner join excluded_domains
        on account_domains.key_domain = excluded_domains.key_domain
    where account_domains.side = 'ours'

    union all

    select
        'ours' as side,
        exclusions.partner_id as for_partner_id,
        account_spellings.account_id,
        exclusions.reason

    from exclusions
    inner join account_spellings
        on exclusions.exclusion_value = account_spellings.spelling
    where exclusions.kind = 'account_id'

    union all

    select
        'ours' as side,
        exclusions.partner_id as for_partner_id,
        account_records.account_id,
        exclusions.reason

    from exclusions
    inner join account_records
        on exclusions.folded_value = lower(trim(account_records.account_name))
    where exclusions.kind = 'name'

    union all

    select
        'ours' as side,
        '*' as for_partner_id,
        account_id,
        'status rule' as reason

    from account_statuses
    where is_excluded_by_rule
    {% if not var('account_mapping__person_accounts') %}
    union all

    select
        'ours' as side,
        '*' as for_partner_id,
        account_id,
        'person_account' as reason

    from account_records
    where is_person_account
    {% endif %}
    {%- if account_mapping.leads_mode() == 'records' %}
    union all

    -- a lead by whom no company can be told is a person
    select
        'ours' as side,
        '*' as for_partner_id,
        account_id,
        'free_mail_lead' as reason

    from free_mail_leads
    {% endif %}
    union all

    select
        account_domains.side,
        account_domains.partner_id as for_partner_id,
        account_domains.account_id,
        excluded_domains.reason

    from account_domains
    inner join excluded_domains
        on
            account_domains.key_domain = excluded_domains.key_domain
            and excluded_domains.partner_id in ('*', account_domains.partner_id)
    where account_domains.side = 'partner'

    union all

    -- a bare id could name anybody's account: only with its partner does it exclude a partner's row
    select
        'partner' as side,
        partner_records.partner_id as for_partner_id,
        partner_records.account_id,
        exclusions.reason

    from exclusions
    inner join partner_records
        on
            exclusions.partner_id = partner_records.partner_id
            and exclusions.exclusion_value = partner_records.account_id
    where exclusions.kind = 'account_id'

    union all

    select
        'partner' as side,
        partner_records.partner_id as for_partner_id,
        partner_records.account_id,
        exclusions.reason

    from exclusions
    inner join partner_records
        on
            exclusions.partner_id in ('*', partner_records.partner_id)
            and exclusions.folded_value = lower(trim(partner_records.account_name))
    where exclusions.kind = 'name'

    union all

    select
        'partner' as side,
        partner_id as for_partner_id,
        account_id,
        'status rule' as reason

    from partner_statuses
    where is_excluded_by_rule

),

final as (

    select
        side,
        for_partner_id,
        account_id,
        {{ account_mapping.list_text('reason') }} as reason

    from excluded
    group by side, for_partner_id, account_id

)

select * from final
