with

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

account_statuses as (

    select * from {{ ref('int_account_mapping__account_statuses') }}

),

normalized as (

    select * from {{ ref('int_account_mapping__normalized') }}
    where side = 'ours'

),

members as (

    select * from {{ ref('int_account_mapping__members') }}
    where
        side = 'ours'
        and scope = '*'

),

excluded_accounts as (

    select * from {{ ref('int_account_mapping__excluded_accounts') }}
    where
        side = 'ours'
        and for_partner_id = '*'

),

account_domains as (

    select
        account_id,
        {{ account_mapping.list_text('domain') }} as domains

    from {{ ref('int_account_mapping__account_domains') }}
    where side = 'ours'
    group by account_id

),

account_leads as (

    select
        account_id,
        count(distinct source_relation || ':' || source_lead_id) as leads

    from {{ ref('int_account_mapping__lead_domains') }}
    where account_id is not null
    group by account_id

),

account_progress as (

    select * from {{ ref('int_account_mapping__account_progress') }}

),

target_lists as (

    select
        account_id,
        {{ account_mapping.list_text('list_name') }} as target_lists

    from {{ ref('int_account_mapping__target_accounts') }}
    where account_id is not null
    group by account_id

),

joined as (

    select
        ---------- ids
        account_records.account_id,
        account_records.source_relation,
        account_records.source_account_id,
        members.unit_id as ultimate_parent_account_id,

        ---------- text
        coalesce(
            normalized.display_name,
            {{ account_mapping.spreadsheet_safe('account_records.website') }},
            account_records.account_id
        ) as name,
        account_statuses.status,
        account_statuses.crm_status,
        account_progress.deal_stage,
        target_lists.target_lists,
        account_domains.domains,
        account_records.website,
        normalized.country_code,
        {{ account_mapping.spreadsheet_safe('account_records.country') }} as country,
        account_records.state,
        account_records.city,
        account_records.postal_code,
        coalesce(account_records.owner_name, account_records.owner_email) as owner,
        account_records.owner_email,
        account_records.segment,
        account_records.industry,
        normalized.lei,
        normalized.duns,
        normalized.vat_id,
        normalized.linkedin,
        excluded_accounts.reason as exclusion_reason,
        account_records.pass_through,

        ---------- numerics
        account_records.annual_revenue,
        account_records.employee_count,
        account_statuses.open_amount,
        cast(coalesce(account_progress.open_deals, 0) as bigint) as open_deals,
        {% if account_mapping.leads_mode() == 'evidence' -%}
        cast(coalesce(account_leads.leads, 0) as bigint) as leads,
        {% else -%}
        cast(null as bigint) as leads,
        {% endif %}

        ---------- dates and timestamps
        account_records.customer_since,
        account_progress.deal_close_date,
        account_progress.first_won_on,
        account_progress.last_won_on,

        ---------- flags
        excluded_accounts.account_id is not null as is_excluded

    from account_records
    inner join account_statuses
        on account_records.account_id = account_statuses.account_id
    left join normalized
        on account_records.account_id = normalized.account_id
    left join members
        on account_records.account_id = members.account_id
    left join excluded_accounts
        on account_records.account_id = excluded_accounts.account_id
    left join account_domains
        on account_records.account_id = account_domains.account_id
    left join account_leads
        on account_records.account_id = account_leads.account_id
    left join account_progress
        on account_records.account_id = account_progress.account_id
    left join target_lists
        on account_records.account_id = target_lists.account_id

),

final as (

    select
        *,
        {{ account_mapping.content_hash([
            'account_id', 'ultimate_parent_account_id', 'name', 'status', 'domains', 'website', 'country_code',
            'state', 'city', 'postal_code', 'owner', 'owner_email', 'segment', 'industry', 'lei', 'duns', 'vat_id',
            'linkedin', 'exclusion_reason', 'pass_through', 'annual_revenue', 'employee_count', 'open_amount',
            'customer_since', 'is_excluded', 'crm_status', 'deal_stage', 'target_lists', 'open_deals', 'deal_close_date',
            'last_won_on',
        ]) }} as content_hash

    from joined

)

select * from final
