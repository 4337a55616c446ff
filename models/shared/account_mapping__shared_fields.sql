{%- set expressions = {
    'name': 'normalized.display_name',
    'website': account_mapping.spreadsheet_safe('account_records.website'),
    'country': 'normalized.country_code',
    'status': 'account_statuses.status',
    'segment': account_mapping.spreadsheet_safe('account_records.segment'),
    'owner_name': account_mapping.spreadsheet_safe('account_records.owner_name'),
    'owner_email': account_mapping.spreadsheet_safe('account_records.owner_email'),
    'open_amount':
        "cast(account_statuses.open_amount as " ~ dbt.type_string() ~ ") || ' "
        ~ (var('account_mapping__currency') | upper) ~ "'",
    'customer_since': 'account_records.customer_since',
    'deal_stage': account_mapping.spreadsheet_safe('account_progress.deal_stage'),
    'deal_close_date': 'account_progress.deal_close_date',
    'last_won_on': 'account_progress.last_won_on',
} -%}
with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}
    where exchange = 'keys'

),

members as (

    select * from {{ ref('int_account_mapping__members') }}

),

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where decision = 'accepted'

),

agreed_fields as (

    select * from {{ ref('int_account_mapping__agreed_fields') }}
    where direction = 'out'

),

agreements_in_force as (

    select * from {{ ref('int_account_mapping__agreements_in_force') }}
    where direction = 'out'

),

offered_accounts as (

    select * from {{ ref('int_account_mapping__offered_accounts') }}
    where is_shared

),

account_tokens as (

    select * from {{ ref('int_account_mapping__match_keys') }}
    where key_type = 'account'

),

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

account_statuses as (

    select * from {{ ref('int_account_mapping__account_statuses') }}

),

account_progress as (

    select * from {{ ref('int_account_mapping__account_progress') }}

),

normalized as (

    select * from {{ ref('int_account_mapping__normalized') }}
    where side = 'ours'

),

-- an account that the partner does not have lies in no cell: every cell of its status has to allow it
cells_of_status as (

    select
        partner_id,
        our_status,
        count(*) as n_cells

    from agreements_in_force
    group by partner_id, our_status

),

fields_of_all as (

    select
        agreed_fields.partner_id,
        agreed_fields.our_status,
        agreed_fields.field

    from agreed_fields
    inner join cells_of_status
        on
            agreed_fields.partner_id = cells_of_status.partner_id
            and agreed_fields.our_status = cells_of_status.our_status
    where agreed_fields.sharing_level = 'all'
    group by agreed_fields.partner_id, agreed_fields.our_status, agreed_fields.field, cells_of_status.n_cells
    having count(*) = cells_of_status.n_cells

),

linked_accounts as (

    select distinct
        partner_id,
        account_id

    from links

),

granted as (

    select
        links.partner_id,
        links.account_id,
        links.partner_account_id,
        agreed_fields.field

    from links
    inner join partners
        on links.partner_id = partners.partner_id
    inner join members as our_members
        on
            our_members.side = 'ours'
            and links.account_scope = our_members.scope
            and links.account_id = our_members.account_id
    inner join members as their_members
        on
            their_members.side = 'partner'
            and links.partner_id = their_members.scope
            and links.partner_account_id = their_members.account_id
    inner join agreed_fields
        on
            links.partner_id = agreed_fields.partner_id
            and our_members.status = agreed_fields.our_status
            and their_members.status = agreed_fields.partner_status

    union all

    select
        offered_accounts.partner_id,
        offered_accounts.account_id,
        cast(null as {{ dbt.type_string() }}) as partner_account_id,
        fields_of_all.field

    from offered_accounts
    inner join account_statuses
        on offered_accounts.account_id = account_statuses.account_id
    inner join fields_of_all
        on
            offered_accounts.partner_id = fields_of_all.partner_id
            and account_statuses.status = fields_of_all.our_status
    left join linked_accounts
        on
            offered_accounts.partner_id = linked_accounts.partner_id
            and offered_accounts.account_id = linked_accounts.account_id
    where linked_accounts.account_id is null

),

field_values as (

    {% for field in account_mapping.shareable_fields() -%}
    select
        account_records.account_id,
        '{{ field }}' as field,
        cast({{ expressions[field] }} as {{ dbt.type_string() }}) as field_value

    from account_records
    inner join account_statuses
        on account_records.account_id = account_statuses.account_id
    {% if 'normalized' in expressions[field] -%}
    left join normalized
        on account_records.account_id = normalized.account_id
    {% elif 'account_progress' in expressions[field] -%}
    inner join account_progress
        on account_records.account_id = account_progress.account_id
    {% endif -%}
    {% if not loop.last %}
    union all

    {% endif -%}
    {% endfor %}

),

final as (

    select
        granted.partner_id,
        coalesce(partners.agreement_id, '') as agreement_id,
        coalesce(partners.epoch, '') as epoch,
        account_tokens.token as account_token,
        granted.partner_account_id as partner_account_token,
        granted.field,
        field_values.field_value

    from granted
    inner join partners
        on granted.partner_id = partners.partner_id
    -- an account whose keys do not leave has no token that the partner knows
    inner join offered_accounts
        on
            granted.partner_id = offered_accounts.partner_id
            and granted.account_id = offered_accounts.account_id
    inner join account_tokens
        on
            granted.partner_id = account_tokens.partner_id
            and granted.account_id = account_tokens.account_id
    inner join field_values
        on
            granted.account_id = field_values.account_id
            and granted.field = field_values.field
    where field_values.field_value is not null

)

-- sorted by tokens, so that the order of rows tells nothing
select
    partner_id,
    agreement_id,
    epoch,
    account_token,
    partner_account_token,
    field,
    field_value as value
from final
order by partner_id, account_token, partner_account_token, field
